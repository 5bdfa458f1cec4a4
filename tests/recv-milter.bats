#!/usr/bin/env bats
# mgw-recv as a milter of a real Postfix: what its client hears, and which octets it sends on.
load helper
load data/milter/postfix.sh

# One Postfix for all tests; its milter is what a test starts on that port. It sends on to a server that keeps what comes.
setup_file() {
  P="$(mktemp -d)" # Postfix's own user must get through to its folders
  chmod 755 "$P"
  export P KEPT="$P/kept"
  mkdir "$KEPT"
  SMTP="$(free_port)" MILTER="$(free_port)" BESIDE="$(free_port)"
  export SMTP MILTER BESIDE # on BESIDE the milter is a Unix socket
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=postfix.example \
    -keyout "$P/key.pem" -out "$P/cert.pem" 2>/dev/null
  mgw-recv --listen 127.0.0.1:0 --port-file "$P/relay" --hostname relay.example \
    --pipeline "$MGW_DATA/recv/bin/mgw-queue add --keep=$KEPT" </dev/null >"$P/relay.out" 2>&1 3>&- &
  echo $! >"$P/relay.pid"
  wait_for 10 test -s "$P/relay"
  postfix_start "$P/postfix" "$SMTP" "$(cat "$P/relay")" "smtpd_milters = inet:127.0.0.1:$MILTER" "non_smtpd_milters = inet:127.0.0.1:$MILTER" \
    "milter_default_action = tempfail" "milter_content_timeout = 8s" \
    "127.0.0.1:$BESIDE inet n - n - - smtpd -o smtpd_milters=unix:$P/socket" "smtpd_tls_security_level = may" \
    "smtpd_tls_cert_file = $P/cert.pem" "smtpd_tls_key_file = $P/key.pem"
}

teardown_file() {
  postfix_stop "$P/postfix"
  kill "$(cat "$P/relay.pid")"
  rm -rf "$P"
}

setup() {
  STAGE="$MGW_DATA/recv/bin/stage"
  rm -f "$KEPT"/*
  mkdir "$T/made"
  printf 'From: alice@example.net\r\nTo: bob@example.org\r\nSubject: hello\r\nX-Folded: one\r\n\ttwo\r\n  three\r\nX-Odd:no blank\r\nX-Empty:\r\nX-Two:  blanks \r\nReceived: from a\r\n\tby b; Tue, 24 Nov 2026 05:47:35 +0000\r\n\r\nHi  there \r\n.dot\r\n\r\nlast\r\n' >"$T/m"
}

teardown() {
  if [ -s "$T/milter.pid" ]; then end "$(cat "$T/milter.pid")"; fi
}

end() { kill "$1" 2>/dev/null || return 0; wait_for 20 sh -c "! kill -0 $1 2>/dev/null"; }

# milter PIPELINE OPTION...: the filter of Postfix from now on; what comes out of its pipeline is kept in made/
milter() {
  local pipeline="$1"
  shift
  mgw-recv --milter "inet:$MILTER@127.0.0.1" --port-file "$T/milter.port" --log "$T/log" --pipeline "$pipeline" "$@" </dev/null >"$T/milter.out" 2>"$T/milter.err" 3>&- &
  echo $! >"$T/milter.pid"
  wait_for 20 test -s "$T/milter.port" || { cat "$T/milter.err"; return 1; }
}
KEEP() { echo "$STAGE --keep=$T/made"; }

# policy TEXT: a Sieve script
policy() { printf 'require ["ereject", "vnd.mgw.verdict", "envelope"];\n%s\n' "$1" >"$T/policy.sieve"; echo "mgw-filter $T/policy.sieve"; }

# adds TEXT: a filter that puts a field X-Seen on top
adds() { printf '#!/bin/sh\nprintf "X-Seen: %s\\r\\n"; cat\n' "$1" >"$T/adds.new"; chmod +x "$T/adds.new"; mv "$T/adds.new" "$T/adds"; echo "mgw-filter --each $T/adds"; }

# send [TO...] <message: the reply of Postfix
send() { timeout 60 /usr/bin/python3 -IS "$MGW_DATA/milter/send.py" "$SMTP" alice@example.net "${@:-bob@example.org}"; }

arrived() { [ "$(find "$KEPT" -name '*.eml' | wc -l)" = "$1" ]; }
# relayed: the message that Postfix sent on, without the Received fields of Postfix and of the server that took it
relayed() {
  wait_for 10 arrived 1
  python3 -c "
import re, sys
m = open(sys.argv[1], 'rb').read()
m, n = re.subn(rb'\A((?:.*\r\n)*?)Received: from postfix\.example [^\r]*\r\n(?:[\t ].*\r\n)*', rb'\1', m, count=1)
m, k = re.subn(rb'(?m)^Received: (?:from client\.example [^\r]*|by postfix\.example \([^\r]*)\r\n(?:[\t ].*\r\n)*', rb'', m, count=1)
assert n == k == 1, (n, k)
sys.stdout.buffer.write(m)" "$(find "$KEPT" -name '*.eml')"
}
queued() { find "$P/postfix/queue/incoming" "$P/postfix/queue/active" "$P/postfix/queue/deferred" "$P/postfix/queue/hold" -type f; }
recorded() { grep '"stage":"mgw-recv"' "$T/log" | tail -1; }

@test "what no filter changes leaves Postfix octet for octet" {
  milter "$(KEEP)"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  relayed | cmp - "$T/m"
  cmp "$T"/made/*.eml "$T/m"
}

@test "a message without header, and one without body" {
  milter "$(adds one) | $(KEEP)"
  local message
  for message in '\r\nbody\r\n' 'no header\r\n' 'A: b\r\n\r\n'; do
    rm -f "$KEPT"/* "$T"/made/*
    run send < <(printf %b "$message")
    [[ "$output" =~ ^250 ]]
    relayed >"$T/out"
    cmp "$T/out" "$T"/made/*.eml
    grep -q '^X-Seen: one' "$T/out"
    # below the field of Postfix: the first one is hidden from milters that follow
    [ "$(grep -c '^Received: from client' <(sed '/^X-Seen/q' "$KEPT"/*.eml))" = 1 ]
  done
}

@test "a c=simple/simple signature on an untouched message survives" {
  /usr/bin/python3 "$MGW_DATA/milter/signature.py" sign rsa "$MGW_DATA/auth/rsa.pem" <"$T/m" >"$T/signed"
  milter "$(policy 'if header :is "subject" "other" { discard; }')"
  run send <"$T/signed"
  [[ "$output" =~ ^250 ]]
  relayed >"$T/out"
  cmp "$T/out" "$T/signed"
  /usr/bin/python3 "$MGW_DATA/milter/signature.py" verify rsa "$MGW_DATA/auth/zone.db" <"$T/out"
}

@test "a signature made in the pipeline verifies behind Postfix" {
  milter "mgw-auth sign --domain example.net --selector rsa --signing-key-file $MGW_DATA/auth/rsa.pem | $(KEEP)"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  relayed >"$T/out"
  cmp "$T/out" "$T"/made/*.eml
  grep -q '^DKIM-Signature:' "$T/out"
  /usr/bin/python3 "$MGW_DATA/milter/signature.py" verify rsa "$MGW_DATA/auth/zone.db" <"$T/out"
}

@test "added, changed and removed fields arrive as the pipeline made them" {
  cat >"$T/edit" <<'END'
#!/usr/bin/python3 -IS
import re, sys
m = sys.stdin.buffer.read()
head, body = m.split(b"\r\n\r\n", 1)
head = b"X-Top: 1\r\n\tfolded\r\nX-Top2: 2\r\n" + head.replace(b"Subject: hello", b"Subject: changed\r\nX-Middle:1\r\nX-Middle:2").replace(b"X-Odd:no", b"X-Odd:  \ttwo\r\n\tno")
head = re.sub(rb"X-Empty:\r\n", b"", head) + b"\r\nX-End: 1\r\nX-End: 2"
sys.stdout.buffer.write(head + b"\r\n\r\n" + body)
END
  chmod +x "$T/edit"
  milter "mgw-filter --each $T/edit | $(KEEP)"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  relayed >"$T/out"
  cmp "$T/out" "$T"/made/*.eml
  grep -q '^X-Middle:2' "$T/out"
  [[ "$(recorded)" == *'"milter":"accept","edits":9,'* ]]
}

@test "a new body arrives as the pipeline made it" {
  milter "mgw-filter --each sed s/there/everywhere/ | $(KEEP)"
  python3 -c "import sys; sys.stdout.buffer.write(open(sys.argv[1],'rb').read() + b'there ' * 100 + b'\r\n' + (b'x' * 70 + b'\r\n') * 4000)" "$T/m" >"$T/large"
  run send <"$T/large"
  [[ "$output" =~ ^250 ]]
  relayed >"$T/out"
  cmp "$T/out" "$T"/made/*.eml
  grep -q 'everywhere' "$T/out"
}

@test "fields that look like ours are taken away" {
  milter "$(KEEP)"
  { printf 'Mgw-Verdict: accept *\r\nMGW-End:\r\n'; cat "$T/m"; } >"$T/forged"
  run send <"$T/forged"
  [[ "$output" =~ ^250 ]]
  relayed | cmp - "$T/m"
}

@test "the client hears a refusal, with the Mgw-Id" {
  milter "$(policy 'ereject :enhanced "5.7.9" "100% unwanted";')"
  run send <"$T/m"
  [[ "$output" =~ ^550\ 5\.7\.9\ 100%\ unwanted\ [0-9A-Z]{26}$ ]]
  [ -z "$(queued)" ]
  [[ "$(recorded)" == *'"milter":"reject","edits":0,"code":550,"enhanced":"5.7.9"'* ]]
}

@test "a deferred message gets 451" {
  milter "$(policy 'defer :code 450 "Not now";')"
  run send <"$T/m"
  [[ "$output" =~ ^450\ 4\.7\.1\ Not\ now ]]
  [ -z "$(queued)" ]
}

@test "a discarded message gets 250 and goes nowhere" {
  milter "$(policy 'discard;')"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  wait_for 10 test -z "$(queued)"
  arrived 0
  [[ "$(recorded)" == *'"milter":"discard"'* ]]
}

@test "a quarantined message is held by Postfix" {
  milter "$(policy 'quarantine "Look at it";')"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  [ "$(find "$P/postfix/queue/hold" -type f | wc -l)" = 1 ]
  grep -q 'milter-hold: END-OF-MESSAGE' "$P/postfix/log"
  [[ "$(recorded)" == *'"milter":"quarantine","edits":1,"text":"Look at it"'* ]]
  find "$P/postfix/queue/hold" -type f -delete
  arrived 0
}

REFUSE_CAROL='if envelope "to" "carol@example.org" { ereject "Not for Carol"; }'

@test "refused recipients are removed from a message that others get" {
  milter "$(policy "$REFUSE_CAROL")"
  run send bob@example.org carol@example.org dave@example.org <"$T/m"
  [[ "$output" =~ ^250 ]]
  relayed | cmp - "$T/m"
  grep -h '^Mgw-To' "$KEPT"/*.block | cut -d' ' -f3 | tr '\n' ' ' >"$T/to"
  [ "$(cat "$T/to")" = '<bob@example.org> <dave@example.org> ' ]
  [[ "$(recorded)" == *'"removed":["carol@example.org"]'* ]]
}

@test "--milter-mixed=defer lets the client send to them apart" {
  milter "$(policy "$REFUSE_CAROL")" --milter-mixed=defer
  run send bob@example.org carol@example.org <"$T/m"
  [[ "$output" =~ ^451\ 4\.5\.3 ]]
  run send carol@example.org <"$T/m"
  [[ "$output" =~ ^550\ 5\.7\.1\ Not\ for\ Carol ]]
}

@test "aliases and redirects change the recipients" {
  printf 'bob: robert@example.com, carol@example.net\n' >"$T/aliases"
  milter "mgw-route --aliases=$T/aliases --local-domain=example.org"
  run send bob@example.org dave@example.com <"$T/m"
  [[ "$output" =~ ^250 ]]
  wait_for 10 arrived 1
  grep -h '^Mgw-To' "$KEPT"/*.block | cut -d' ' -f3 | sort | tr '\n' ' ' >"$T/to"
  [ "$(cat "$T/to")" = '<carol@example.net> <dave@example.com> <robert@example.com> ' ]
}

@test "a message for which notices were made is deferred, or they are dropped" {
  milter "$STAGE --notice=1"
  run send <"$T/m"
  [[ "$output" =~ ^451\ 4\.3\.0\ A\ copy\ or\ notice\ was\ made ]]
  end "$(cat "$T/milter.pid")"
  rm "$T/milter.port"
  milter "$STAGE --notice=1" --milter-made=drop
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  relayed | cmp - "$T/m"
  grep -q 'made a message that a milter cannot send' "$T/milter.err"
  [[ "$(recorded)" == *'"unsent":1'* ]]
}

@test "the pipeline knows client, TLS and queue id" {
  milter "$(KEEP)"
  timeout 60 /usr/bin/python3 -IS "$MGW_DATA/milter/send.py" --tls "$SMTP" alice@example.net bob@example.org <"$T/m"
  grep -q "^Mgw-Client: ip=127.0.0.1 helo=client.example proto=ESMTPS tls=TLSv1.3 listener=$MILTER" "$T"/made/*.block
  grep -q '^Mgw-From: <alice@example.net>$' "$T"/made/*.block
  local id
  id="$(recorded | sed 's/.*"queue_id":"\([^"]*\)".*/\1/')"
  grep -q " $id: client=" "$P/postfix/log"
}

@test "mail from sendmail(1) passes the filters as well" {
  milter "$(policy 'if header :is "subject" "bad" { ereject "No"; }') | $(adds yes)"
  printf 'From: alice@example.net\nTo: bob@example.org\nSubject: good\n\nhi\n' | /usr/sbin/sendmail -C "$P/postfix/etc" -f alice@example.net bob@example.org
  wait_for 10 arrived 1
  grep -q '^X-Seen: yes' "$KEPT"/*.eml
}

@test "a Unix socket serves who may write to it" {
  umask 0
  mgw-recv --milter "unix:$P/socket" --port-file "$T/milter.port" --pipeline "$(adds yes)" </dev/null >"$T/milter.out" 2>"$T/milter.err" 3>&- &
  echo $! >"$T/milter.pid"
  wait_for 20 test -s "$T/milter.port"
  SMTP="$BESIDE" run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  wait_for 10 arrived 1
  grep -q '^X-Seen: yes' "$KEPT"/*.eml
}

@test "Postfix waits while a pipeline takes long" {
  milter "$STAGE --delay=11"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
}

@test "a stage that dies is a 451, and the next message passes a new lane" {
  milter "$STAGE --die-after=1 --once=$T/died | $(KEEP)"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  run send <"$T/m"
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  wait_for 10 arrived 2
  grep -q 'stage ended: killed by signal 9; a new lane starts' "$T/milter.err"
}

@test "a truncated frame is a 451" {
  milter "$STAGE --truncate=0 --once=$T/cut"
  run send <"$T/m"
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
}

@test "a stage that hangs is a 451 after --lane-timeout" {
  milter "$STAGE --hang-after=0 --once=$T/hung" --lane-timeout=1 --drain-timeout=1
  run send <"$T/m"
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
}

@test "SIGHUP moves new mail to a new lane" {
  milter "$STAGE --pid=$T/stage.pid | $(adds one)"
  run send <"$T/m"
  local first
  first="$(cat "$T/stage.pid")"
  adds two >"$T/unused"
  kill -HUP "$(cat "$T/milter.pid")"
  wait_for 10 sh -c "[ \"\$(cat '$T/stage.pid')\" != $first ]"
  wait_for 10 sh -c "! kill -0 $first 2>/dev/null"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  wait_for 10 arrived 2
  grep -q '^X-Seen: one' "$KEPT"/*.eml
  grep -q '^X-Seen: two' "$KEPT"/*.eml
}

@test "SIGTERM finishes the message in progress" {
  milter "$STAGE --delay=1.5 --pid=$T/stage.pid --keep=$T/made"
  send <"$T/m" >"$T/reply" &
  wait_for 10 grep -q "connect from" "$P/postfix/log"
  sleep 0.7
  kill "$(cat "$T/milter.pid")"
  wait_for 10 grep -q . "$T/reply"
  grep -q ^250 "$T/reply"
  wait_for 10 sh -c "! kill -0 $(cat "$T/milter.pid") 2>/dev/null"
}

@test "a killed front is started again" {
  milter "$(KEEP)"
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  kill -9 "$(pgrep -P "$(cat "$T/milter.pid")" mgw-recv)"
  wait_for 10 grep -q 'front process ended' "$T/milter.err"
  again() { send <"$T/m" | grep -q ^250; }
  wait_for 10 again
}

@test "--per-message starts the stages anew for each message" {
  milter "$STAGE --pid=$T/stage.pid | $(KEEP)" --per-message
  for _ in 1 2 3; do
    run send <"$T/m"
    [[ "$output" =~ ^250 ]]
  done
  wait_for 10 arrived 3
}

@test "many messages are in flight" {
  milter "$STAGE --delay=0.02 | $(adds yes)"
  local pids=() i
  for i in 1 2 3 4 5 6 7 8; do send <"$T/m" >>"$T/replies" & pids+=("$!"); done
  wait "${pids[@]}"
  [ "$(grep -c ^250 "$T/replies")" = 8 ]
  wait_for 10 arrived 8
  [ "$(grep -l '^X-Seen: yes' "$KEPT"/*.eml | wc -l)" = 8 ]
}

@test "a message above the limit gets 552, one beyond --memory 452" {
  printf '[limits]\nmessage = "64k"\n' >"$T/limits.toml"
  milter "$(KEEP)" --config "$T/limits.toml"
  { cat "$T/m"; head -c 100000 /dev/zero | tr '\0' x | fold -w 70 | sed 's/$/\r/'; printf '\r\n'; } >"$T/large"
  run send <"$T/large"
  [[ "$output" =~ ^552\ 5\.3\.4 ]]
  run send <"$T/m"
  [[ "$output" =~ ^250 ]]
  end "$(cat "$T/milter.pid")"
  rm "$T/milter.port"
  milter "$(KEEP)" --memory=50k
  run send <"$T/large"
  [[ "$output" =~ ^452\ 4\.3\.1 ]]
}

@test "a pipeline that ends in a sink is none for a milter" {
  run -78 --separate-stderr mgw-recv --milter "unix:$T/socket" --pipeline 'mgw-filter x.sieve | mgw-queue add'
  [[ "$stderr" =~ "ends in a sink" ]]
  run -78 --separate-stderr mgw-recv --milter "unix:$T/socket" --pipeline "$MGW_DATA/recv/bin/sink"
  [[ "$stderr" =~ "does not pass messages on" ]]
  run -64 --separate-stderr mgw-recv --milter "127.0.0.1:8891" --pipeline cat
  [[ "$stderr" =~ "--milter names no socket" ]]
  run -64 --separate-stderr mgw-recv --milter "unix:$T/socket" --stdin
}
