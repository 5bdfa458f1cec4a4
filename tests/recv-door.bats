#!/usr/bin/env bats
# What mgw-recv checks before it takes a message: lists, names, rates, greylist, recipients, and what becomes of mail when that fails.
load helper

setup() {
  BIN="$MGW_DATA/recv/bin"
  KEEP="$T/keep"
  mkdir -p "$KEEP"
  QUEUE="$BIN/mgw-queue add --keep=$KEEP" # a sink that takes several recipients
  PIDS=()
  cat >"$T/zone" <<'END'
7.2.0.192.in-addr.arpa PTR mail.example.net
mail.example.net A 192.0.2.7
1.0.0.127.in-addr.arpa PTR client.example
client.example A 127.0.0.1
2.0.0.127.bl.example A 127.0.0.2
7.2.0.192.bl.example A 127.0.0.4
7.2.0.192.bl.example TXT "seen sending spam"
2.0.0.127.sick.example A 127.0.0.2
1.0.0.127.sick.example A 127.0.0.2
example.net TXT "v=spf1 ip4:192.0.2.0/24 -all"
END
}

teardown() {
  local pid
  for pid in "${PIDS[@]}"; do
    kill "$pid" 2>/dev/null && wait "$pid" || : # gone already, or ended by the signal: both are good
  done
}

# serve OPTION...: a server in the background; PORT, SERVER (its process)
serve() {
  rm -f "$T/port"
  mgw-recv --listen 127.0.0.1:0 --port-file "$T/port" --hostname mx.example --dns-zone "$T/zone" --pipeline "$QUEUE" "$@" \
    </dev/null >"$T/server.out" 2>"$T/server.err" 3>&- &
  SERVER=$!
  PIDS+=("$SERVER")
  wait_for 10 test -s "$T/port" || { cat "$T/server.err"; return 1; }
  PORT="$(head -1 "$T/port")"
}

# session IP WORDS [OPTION...]: what a client of that address hears that says so, in a session of its own; records in $T/log
session() {
  local ip="$1" words="$2"
  shift 2
  printf '%b' "$words" | timeout 20 mgw-recv --smtp-stdio --client-ip "$ip" --hostname mx.example --dns-zone "$T/zone" --pipeline "$QUEUE" \
    --log "$T/log" "$@" 2>>"$T/session.err"
}

PYTHON="$(command -v /usr/bin/python3 || command -v python3) -IS"
client() { timeout 25 $PYTHON "$MGW_DATA/recv/client.py" "$@"; }
# record KEY: of the last record
record() { tail -1 "$T/log" | jq -r ".$1"; }
# the door's process: the child of the server that is neither the front nor a stage
door_process() { pgrep -P "$SERVER" -x mgw-recv | while read -r pid; do ls "/proc/$pid/task" | wc -l | grep -qx 1 || echo "$pid"; done; }
greets() { client "$PORT" @1 'QUIT\r\n' @eof | grep -q '^220 '; }

HELLO='EHLO mail.example.net\r\n'
FROM='MAIL FROM:<a@example.net>\r\n'
TO='RCPT TO:<b@example.org>\r\n'
DATA='DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n'

@test "without an option of the door there is no door, with one the client has its name" {
  serve
  [ -z "$(door_process)" ]
  serve --helo-check syntax
  [ -n "$(door_process)" ]
  session 192.0.2.7 "$HELLO$FROM$TO$DATA" --helo-check syntax | grep '^250 2.0.0 queued'
  grep -q '^Mgw-Client: ip=192.0.2.7 name=mail.example.net ' "$KEEP"/*.block
  grep -q '^Received: from mail.example.net (mail.example.net \[192.0.2.7\])' "$KEEP"/*.eml
  [ "$(record name)" = mail.example.net ]
}

@test "a denied network is sent away, until the list changes and SIGHUP tells it" {
  echo '127.0.0.0/8 no mail from here' >"$T/deny"
  serve --deny "$T/deny" --log "$T/log"
  run client "$PORT" @1 @eof
  [[ "$output" = "554 5.7.1 Mail from 127.0.0.1 is not taken: no mail from here (rule deny)"* ]]
  [ "$(record refused)" = connect ]
  [ "$(record rule)" = "deny: 127.0.0.0/8 at $T/deny:1" ]
  echo '127.0.0.0/33' >"$T/deny"
  kill -HUP "$SERVER"
  wait_for 5 grep -q 'stay' "$T/server.err"
  run ! greets
  echo '192.0.2.0/24' >"$T/new" && mv "$T/new" "$T/deny" # as editors do it
  kill -HUP "$SERVER"
  wait_for 5 greets
}

@test "an allowed address in a denied network is served" {
  echo '192.0.2.0/24' >"$T/deny"
  echo '192.0.2.7' >"$T/allow"
  session 192.0.2.7 'QUIT\r\n' --deny "$T/deny" --allow "$T/allow" | grep '^220 '
  session 192.0.2.8 'QUIT\r\n' --deny "$T/deny" --allow "$T/allow" | grep '^554 5.7.1 .*(rule deny)'
}

@test "a rule in dry run is only recorded" {
  echo '192.0.2.0/24' >"$T/deny"
  session 192.0.2.7 "$HELLO$FROM$TO$DATA" --deny "$T/deny" --door-dry-run deny | grep '^250 2.0.0 queued'
  [ "$(record 'would_have[0]')" = "refuse deny: 192.0.2.0/24 at $T/deny:1" ]
}

@test "a listed client is refused at MAIL, with the list's words and an id" {
  session 192.0.2.7 "$HELLO${FROM}QUIT\r\n" --dnsbl 'bl.example 127.0.0.4=XBL:reject' >"$T/said"
  grep -E '^554 5.7.1 192.0.2.7 is listed as XBL: seen sending spam \(rule dnsbl:bl.example\) [0-9A-Z]{26}' "$T/said"
  [ "$(record refused)" = MAIL ]
  [ "$(record rule)" = "dnsbl:bl.example: bl.example has 192.0.2.7: XBL (127.0.0.4), reject" ]
  [ "$(record 'door|join(" ")')" = "iprev=pass dnsbl=bl.example:XBL" ]
  session 192.0.2.8 "$HELLO${FROM}QUIT\r\n" --dnsbl 'bl.example 127.0.0.4=XBL:reject' | grep '^250 2.1.0'
}

@test "a DNS list that lists everybody is not believed, and --check says so" {
  session 127.0.0.1 "$HELLO$FROM$TO$DATA" --dnsbl 'sick.example 127.0.0.2:reject' | grep '^250 2.0.0 queued'
  grep 'DNS list sick.example: ' "$T/session.err"
  record 'door|join(" ")' | grep 'dnsbl_error=sick.example: '
  run -78 mgw-recv --check --listen 127.0.0.1:0 --pipeline "$QUEUE" --dns-zone "$T/zone" --dnsbl 'sick.example 127.0.0.2:reject'
  [[ "$output" = *"DNS list sick.example: "* ]]
  run -0 mgw-recv --check --listen 127.0.0.1:0 --pipeline "$QUEUE" --dns-zone "$T/zone" --dnsbl 'bl.example 127.0.0.4:reject'
}

@test "HELO and the reverse name are checked where that is wanted" {
  session 192.0.2.7 "EHLO mx.example\r\n${FROM}QUIT\r\n" --helo-check self | grep '^550 5.7.1 .*(rule helo:self)'
  session 192.0.2.7 "EHLO [192.0.2.8]\r\n${FROM}QUIT\r\n" --helo-check address | grep '^550 5.7.1 .*(rule helo:address)'
  session 192.0.2.7 "EHLO nowhere.example\r\n${FROM}QUIT\r\n" --helo-check dns | grep '^550 5.7.1 .*(rule helo:dns)'
  session 192.0.2.7 "$HELLO${FROM}QUIT\r\n" --helo-check syntax --helo-check self --helo-check address --helo-check dns \
    --reverse-name confirmed | grep '^250 2.1.0'
  session 192.0.2.8 "$HELLO${FROM}QUIT\r\n" --reverse-name named | grep '^550 5.7.25 192.0.2.8 has no name (rule reverse)'
}

@test "recipients that do not exist are refused, those of another class have to wait" {
  printf '%s\n' 'b@example.org' '@all.example' >"$T/recipients"
  printf '%s\n' '@all.example strict' >"$T/classes"
  session 192.0.2.7 "$HELLO$FROM${TO}RCPT TO:<c@example.org>\r\nRCPT TO:<x@all.example>\r\nRCPT TO:<b+list@example.org>\r\n$DATA" \
    --recipients "$T/recipients" --class-map "$T/classes" >"$T/said"
  grep -E '^(5|4)' "$T/said" | cut -c1-9 | diff - <(printf '%s\n' '550 5.1.1' '452 4.5.3')
  grep -E '^452 4.5.3 .*\(rule class\) [0-9A-Z]{26}' "$T/said"
  grep -c '^Mgw-To: ' "$KEEP"/*.block | grep -x 2
}

@test "a callout asks the server that has the mailboxes, once" {
  echo 'b@example.org' >"$T/recipients"
  serve --recipients "$T/recipients" --log "$T/mailboxes"
  for n in 1 2; do
    session 192.0.2.7 "$HELLO$FROM${TO}RCPT TO:<c@example.org>\r\nQUIT\r\n" --callout "smtp:[127.0.0.1]:$PORT" --sandbox=require >"$T/said"
    grep '^250 2.1.5' "$T/said"
    grep '^550 5.1.1 No such recipient here (rule recipient) ' "$T/said"
  done
  wc -l <"$T/mailboxes" | grep -x 1 # the refusal there
  mgw-recv state list | grep -P '^value\tcallout c@example.org\t'
  kill "$SERVER"
  wait "$SERVER"
  session 192.0.2.7 "$HELLO$FROM${TO}RCPT TO:<new@example.org>\r\nQUIT\r\n" --callout "smtp:[127.0.0.1]:$PORT" >"$T/said"
  grep '^250 2.1.5' "$T/said"
  grep '^451 4.4.1 .*(rule recipient)' "$T/said"
  serve --recipients "$T/recipients" --lmtp "unix:$T/lmtp"
  session 192.0.2.7 "$HELLO${FROM}RCPT TO:<new@example.org>\r\nQUIT\r\n" --callout "lmtp:unix:$T/lmtp" --sandbox=require | grep '^550 5.1.1'
}

@test "the greylist lets a sender pass that comes back, and its whole domain where SPF passes" {
  send() { SOURCE_DATE_EPOCH="$1" session "$2" "${HELLO}MAIL FROM:<$3@example.net>\r\n${TO}QUIT\r\n" --greylist 5m | sed -n 's/^\([245].[0-9].*\)/\1/p' | tail -2 | head -1; }
  [[ "$(send 1764000000 192.0.2.7 a)" = "451 4.7.1 Greylisted, try again in 300 s (rule greylist) "* ]]
  [[ "$(send 1764000100 192.0.2.7 a)" = "451 4.7.1 Greylisted, try again in 200 s (rule greylist) "* ]]
  [[ "$(send 1764000301 192.0.2.7 a)" = "250 2.1.5"* ]]
  [[ "$(send 1764000302 192.0.2.99 other)" = "250 2.1.5"* ]]
  [[ "$(send 1764000302 198.51.100.1 a)" = "451 4.7.1 "* ]] # SPF fails there
  SOURCE_DATE_EPOCH=1764000303 mgw-recv state list | grep -P '^grey\tgrey-domain example.net\t'
  SOURCE_DATE_EPOCH=1764000303 mgw-recv state list --json | jq -se 'map(select(.kind == "grey")) | length >= 2'
  mgw-recv state forget 'grey-domain example.net'
  [[ "$(send 1764000304 192.0.2.99 other)" = "451 4.7.1 "* ]]
  run -65 mgw-recv state forget 'grey-domain example.net' nothing
}

@test "rates are limited, and one who is sent away is told when to come back" {
  rate='flood: connections per client 2/1h'
  session 192.0.2.7 'QUIT\r\n' --rate "$rate" | grep '^220 '
  session 192.0.2.7 'QUIT\r\n' --rate "$rate" | grep '^220 '
  session 192.0.2.7 'QUIT\r\n' --rate "$rate" | grep -E '^421 4.7.1 Too many connections, try again in 1[78][0-9][0-9] s \(rule rate:flood\)'
  session 192.0.2.8 'QUIT\r\n' --rate "$rate" | grep '^220 '
  session 192.0.2.9 "$HELLO$FROM${TO}RSET\r\n${FROM}QUIT\r\n" --rate 'few: messages per sender 1/1h' | grep '^450 4.7.1 .*(rule rate:few)'
  session 192.0.2.9 "$HELLO${FROM}QUIT\r\n" --rate 'few: messages per sender 1/1h' --door-dry-run rate:few | grep '^250 2.1.0'
}

@test "two gateways with one Redis server count together, and mail passes when it is down" {
  redis-server --port 0 --unixsocket "$T/redis.sock" --dir "$T" --save '' --requirepass secret >/dev/null 3>&- &
  local redis=$!
  PIDS+=("$redis")
  wait_for 10 test -S "$T/redis.sock"
  echo secret >"$T/password"
  redis_session() { XDG_STATE_HOME="$T/$1" session 192.0.2.7 'QUIT\r\n' --rate 'flood: connections per client 2/1h' \
    --state "redis+unix:$T/redis.sock" --state-password-file "$T/password"; }
  redis_session one | grep '^220 '
  redis_session two | grep '^220 '
  redis_session one | grep '^421 4.7.1'
  mgw-recv state list --state "redis+unix:$T/redis.sock" --state-password-file "$T/password" | grep '^rate'
  kill "$redis"
  wait "$redis"
  redis_session two | grep '^220 '
  grep 'redis' "$T/session.err"
}

@test "who speaks before the greeting is sent away, who waits is served" {
  serve --early-wait 700 --log "$T/log"
  run client "$PORT" "$HELLO" @1 @eof
  [[ "$output" = "554 5.5.1 You spoke before the greeting (rule early)"* ]]
  [ "$(record rule)" = "early: spoke within 700 ms" ]
  greets
  echo 127.0.0.1 >"$T/allow"
  serve --early-wait 10000 --allow "$T/allow"
  timeout 5 $PYTHON "$MGW_DATA/recv/client.py" "$PORT" "$HELLO" @1 'QUIT\r\n' @eof | grep '^220 '
}

@test "a tarpit makes each refusal slower" {
  echo 'b@example.org' >"$T/recipients"
  local begin=${EPOCHREALTIME/./}
  session 192.0.2.7 "$HELLO${FROM}RCPT TO:<x@example.org>\r\nRCPT TO:<y@example.org>\r\nQUIT\r\n" --recipients "$T/recipients" --tarpit 300 >"$T/said"
  [ $(( ${EPOCHREALTIME/./} - begin )) -ge 900000 ] # 300 and 600 ms
  grep -c '^550 5.1.1' "$T/said" | grep -x 2
  begin=${EPOCHREALTIME/./}
  session 192.0.2.7 "$HELLO${FROM}RCPT TO:<x@example.org>\r\nQUIT\r\n" --recipients "$T/recipients" --tarpit 20000 --door-dry-run tarpit >"$T/said"
  [ $(( ${EPOCHREALTIME/./} - begin )) -lt 20000000 ]
}

@test "a door that is killed starts again; one that hangs lets mail pass, but no recipient that may not exist" {
  echo 'b@example.org' >"$T/recipients"
  echo '127.0.0.1' >"$T/deny"
  serve --recipients "$T/recipients" --deny "$T/deny" --door-timeout 3 --log "$T/log"
  run ! greets
  local door="$(door_process)"
  kill -KILL "$door"
  run ! greets # by the next one
  grep 'the door process ended (killed by signal 9); it is started again' "$T/server.err"
  door="$(door_process)"
  kill -STOP "$door"
  client "$PORT" @1 "$HELLO" @2 "$FROM" @3 "$TO" @4 'QUIT\r\n' @eof >"$T/said"
  kill -CONT "$door"
  grep '^220 ' "$T/said"
  grep '^451 4.3.0 .*(rule door)' "$T/said"
  record 'door|join(" ")' | grep 'door=late'
  grep 'the door process did not answer in 3000 ms' "$T/server.err"
}

@test "look-ups of a connection wait together, and so do those of several connections" {
  $PYTHON "$MGW_DATA/recv/slow_dns.py" "$T/dns" 0.5 3>&- &
  PIDS+=("$!")
  wait_for 10 test -s "$T/dns"
  mgw-recv --listen 127.0.0.1:0 --port-file "$T/port" --pipeline "$QUEUE" --sandbox=require --dns-server "127.0.0.1:$(cat "$T/dns")" \
    --dnsbl 'a.example test=none 127.0.0.2' --dnsbl 'b.example test=none 127.0.0.2' --dnsbl 'c.example test=none 127.0.0.2' \
    </dev/null 2>"$T/server.err" 3>&- &
  PIDS+=("$!")
  wait_for 10 test -s "$T/port"
  PORT="$(head -1 "$T/port")"
  local begin=${EPOCHREALTIME/./} clients=() n
  for n in 1 2 3 4 5 6 7 8; do
    client "$PORT" @1 'QUIT\r\n' @eof >"$T/said$n" 3>&- &
    clients+=("$!")
  done
  wait "${clients[@]}"
  local took=$(( ${EPOCHREALTIME/./} - begin ))
  [ "$took" -ge 500000 ] && [ "$took" -lt 8000000 ] # one after the other it would be 16 s
  cat "$T"/said? | grep -c '^220 ' | grep -x 8
}

@test "no process of a server that was told to stop is left" {
  serve --helo-check syntax
  local door="$(door_process)"
  kill "$SERVER"
  wait "$SERVER"
  run ! kill -0 "$door"
}

@test "the door is confined: it reads its lists' folders and no others" {
  mkdir "$T/lists"
  echo '192.0.2.0/24' >"$T/lists/deny"
  serve --sandbox=require --deny "$T/lists/deny" --rate 'flood: connections per client 200/1h' --explain
  grep 'door process: .*landlock.*seccomp' "$T/server.err"
  local door="$(door_process)"
  grep -x 'NoNewPrivs:.1' "/proc/$door/status"
  grep -x 'Seccomp:.2' "/proc/$door/status"
  echo '127.0.0.1' >"$T/elsewhere"
  ln -sf "$T/elsewhere" "$T/lists/deny"
  kill -HUP "$SERVER"
  wait_for 5 grep -q "$T/lists/deny.*stay" "$T/server.err"
  greets
}

@test "what is wrong with the door's options is said before anything starts" {
  run -78 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --deny "$T/none"
  [[ "$output" = *"$T/none"* ]]
  run -78 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --rate 'flood: cars per client 1/1h'
  [[ "$output" = *"--rate: "* ]]
  run -64 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --greylist soon
  run -64 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --helo-check syntax --door-dry-run nonsense
  run -64 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --helo-check syntax --door-dry-run rate:none
  run -78 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --rate 'a: connections per client 1/1h' --state redis://:secret@db.example
  run ! grep -q secret <<<"$output"
  run -64 mgw-recv --listen 127.0.0.1:0 --pipeline "$QUEUE" --callout smtp:mail.example
  [[ "$output" = *"--callout: a callout needs an address"* ]]
  run -78 mgw-recv state list
}
