#!/bin/bash
# A Postfix of its own for tests: its configuration, queue and ports are private, and it is ended by its process id.

# postfix_start FOLDER SMTP-PORT RELAY-PORT SETTING...: sends everything on to RELAY-PORT; a setting that begins with a digit is a
# line of master.cf
postfix_start() {
  local base="$1" port="$2" relay="$3" setting
  shift 3
  mkdir -p "$base/etc" "$base/queue" "$base/data"
  chown postfix "$base/data"
  cat >"$base/etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $base/queue
data_directory = $base/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
myorigin = example.org
mydestination =
local_recipient_maps =
alias_maps =
mynetworks = 127.0.0.0/8
local_header_rewrite_clients =
relayhost = [127.0.0.1]:$relay
smtp_tls_security_level = none
smtpd_peername_lookup = no
maillog_file = $base/log
maillog_file_prefixes = $base
END
  : >"$base/etc/master.cf"
  for setting in "$@"; do
    case $setting in [0-9]*) echo "$setting" >>"$base/etc/master.cf" ;; *) echo "$setting" >>"$base/etc/main.cf" ;; esac
  done
  cat >>"$base/etc/master.cf" <<END
127.0.0.1:$port inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
END
  /usr/sbin/postfix -c "$base/etc" start >"$base/start" 2>&1 3>&- || { cat "$base/start"; return 1; }
  wait_for 10 grep -q 'daemon started' "$base/log"
}

# postfix_stop FOLDER
postfix_stop() {
  local pid
  pid="$(tr -d ' ' <"$1/queue/pid/master.pid")"
  kill "$pid"
  wait_for 10 sh -c "! kill -0 $pid 2>/dev/null"
}
