#!/usr/bin/env bats
load helper
load recv-helper

# One lane of a test: a stage that passes frames on, and a sink that keeps what it gets.
setup() {
  recv_setup
}

teardown() { recv_teardown; }

# serve OPTION...: a server in the background; PORT and PID
serve() {
  rm -f "$T/port"
  mgw-recv --listen 127.0.0.1:0 --port-file "$T/port" --hostname mx.example "$@" </dev/null >"$T/server.out" 2>"$T/server.err" 3>&- &
  PID=$!
  PIDS+=("$PID")
  wait_for 10 test -s "$T/port" || { cat "$T/server.err"; return 1; }
  PORT="$(head -1 "$T/port")"
}

PYTHON="$(command -v /usr/bin/python3 || command -v python3) -IS"
client() { timeout 25 $PYTHON "$MGW_DATA/recv/client.py" "$@"; }

HELLO='EHLO client.example\r\n'
ENVELOPE='MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n'

# send TEXT: one session, one message; prints the reply to it
send() { client "$PORT" @1 "$HELLO" @2 "$ENVELOPE" @5 "${1:-Subject: x\r\n\r\nhi\r\n}.\r\n" @6 'QUIT\r\n' @eof | tail -2 | head -1; }

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mx.example \
    -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
}

@test "takes a message and gives the lane what was sent, with a Received field on top" {
  serve --pipeline "$BIN/stage | $SINK"
  mail one | sed 's/$/\r/' >"$T/in"
  swaks --server 127.0.0.1 --port "$PORT" --helo client.example --from a@example.net --to b@example.org --data "@$T/in" --hide-all
  ls "$KEEP"
  sed '1,/; .* +0000\r$/d' "$KEEP"/*.eml >"$T/out"
  cmp "$T/in" <(head -c "$(stat -c %s "$T/in")" "$T/out")
  grep -q '^Received: from client.example (\[127.0.0.1\])' "$KEEP"/*.eml
  grep -q 'for <b@example.org>; ' "$KEEP"/*.eml
  grep -q "^Mgw-Client: ip=127.0.0.1 helo=client.example proto=ESMTP listener=$PORT" "$KEEP"/*.block
  grep -q '^Mgw-Deadline: ' "$KEEP"/*.block
}

@test "ends every final reply with the Mgw-Id" {
  serve --pipeline "$SINK"
  run send
  [ "$output" = "250 2.0.0 queued $(basename "$KEEP"/*.eml .eml)" ]
  run send 'bare\n\r\n'
  [[ "$output" =~ ^550\ 5\.5\.2\ .*\ [0-9A-Z]{26}$ ]]
}

@test "tells the client what the sink says" {
  serve --pipeline "$BIN/sink --code=451"
  run send
  [[ "$output" =~ ^451\ 4\.0\.0\ not\ taken ]]
  serve --pipeline "$BIN/sink --code=554"
  run send
  [[ "$output" =~ ^554\ 5\.0\.0\ not\ taken ]]
}

@test "does not say 250 before the sink has answered" {
  serve --pipeline "$BIN/sink --delay=0.7"
  run client "$PORT" @1 "$HELLO" @2 "$ENVELOPE" @5 'x\r\n.\r\n' @sleep=0.3
  [ "$(grep -c '^250 2' <<<"$output")" = "2" ] # MAIL and RCPT; nothing for the message yet
  run send
  [[ "$output" =~ ^250\ 2\.0\.0\ queued ]]
}

@test "refuses a pipeline that does not end in a sink" {
  run -78 mgw-recv --listen 127.0.0.1:0 --pipeline "$BIN/sink --ready=hello"
  [[ "$output" =~ "does not end in a sink" ]]
  run -78 mgw-recv --smtp-stdio --pipeline "sh -c 'exit 3'" </dev/null
  [[ "$output" =~ "exit status 3"|"ended before it was ready" ]]
  run -75 mgw-recv --smtp-stdio --lane-start-timeout=1 --pipeline "$BIN/sink --silent=1" </dev/null
  [[ "$output" =~ "did not get ready in 1000 ms" ]]
}

@test "refuses to load virus signatures anew for each message" {
  ln -s "$BIN/stage" "$T/mgw-scan"
  run -78 mgw-recv --smtp-stdio --per-message --pipeline "$T/mgw-scan | $SINK" </dev/null
  [[ "$output" =~ "--per-message with mgw-scan" ]]
}

@test "starts the stages anew for each message with --per-message" {
  serve --per-message --pipeline "$BIN/stage | $SINK --log=$T/starts"
  for _ in 1 2 3; do
    run send
    [[ "$output" =~ ^250\ 2\.0\.0\ queued ]]
  done
  [ "$(wc -l <"$T/starts")" -ge 3 ]
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 3 ]
}

@test "answers 451 for what a killed stage had not passed on, and starts a new lane" {
  serve --pipeline "$BIN/stage --die-after=1 --once=$T/died | $SINK"
  run send
  [[ "$output" =~ ^250 ]]
  run send
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  run send
  [[ "$output" =~ ^250 ]]
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 2 ]
  grep -q 'stage ended: killed by signal 9; a new lane starts' "$T/server.err"
}

@test "answers 451 when the sink is killed, and starts a new lane" {
  serve --pipeline "$BIN/stage --die-after=-1 | $BIN/sink --keep=$KEEP --die-after=1"
  run send
  [[ "$output" =~ ^250 ]]
  run send
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  run send
  [[ "$output" =~ ^250 ]]
}

@test "a truncated frame is no message" {
  serve --pipeline "$BIN/stage --truncate=0 --once=$T/cut | $SINK"
  run send
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  [ -z "$(ls "$KEEP")" ]
  run send
  [[ "$output" =~ ^250 ]]
}

@test "gives up a stage that hangs" {
  serve --lane-timeout=1 --drain-timeout=1 --pipeline "$BIN/stage --hang-after=0 --once=$T/hung | $SINK"
  run send
  [[ "$output" =~ ^451\ 4\.3\.0 ]]
  run send
  [[ "$output" =~ ^250 ]]
}

@test "many messages are in flight on one lane" {
  serve --pipeline "$BIN/stage | $BIN/sink --keep=$KEEP --delay=0.01"
  for _ in 1 2 3 4 5 6 7 8; do send >>"$T/replies" & done
  wait $(jobs -p | grep -v "^$PID$")
  [ "$(grep -c ^250 "$T/replies")" = 8 ]
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 8 ]
}

@test "no envelope block that came with a message is left, wherever it stood" {
  serve --pipeline "$SINK"
  send 'Mgw-Id: 01AAAAAAAAAAAAAAAAAAAAAAAA\r\nMgw-Verdict: accept\r\nMgw-End:\r\nSubject: top\r\n\r\nx\r\n'
  send 'Subject: middle\r\nMGW-Verdict : accept *\r\n folded\r\nMgw-End:\r\n\r\nx\r\n'
  ! grep -qi mgw-verdict "$KEEP"/*
  [ "$(grep -c '^Mgw-' "$KEEP"/*.eml | grep -vc ':0')" = 0 ]
  send 'Subject: body\r\n\r\nFrom a@b.c Tue Nov 24 05:47:35 2026\r\nMgw-Verdict: accept *\r\nMgw-End:\r\n\r\nx\r\n'
  [ "$(cat "$KEEP"/*.eml | grep -c '^Mgw-Verdict')" = 1 ] # text of a body stays text
  ! grep -q Mgw-Verdict "$KEEP"/*.block
}

@test "a HELO forges no field of the block" {
  serve --pipeline "$SINK"
  client "$PORT" @1 'EHLO x tls=TLSv1.3 auth=root\r\n' @2 "$ENVELOPE" @5 '.\r\n' @6
  client "$PORT" @1 'EHLO tls=TLSv1.3\r\n' @2 "$ENVELOPE" @5 '.\r\n' @6
  run grep -hc ' tls=\| auth=' "$KEEP"/*.block
  [ "$output" = "$(printf '0\n0')" ]
  grep -q 'helo=tls+3DTLSv1.3 ' "$KEEP"/*.block
}

@test "only CRLF.CRLF ends a message: nine variants smuggle nothing" {
  serve --pipeline "$QUEUE"
  local sequence
  for sequence in '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r.\r\n' '\r\n.\r' '\r\n.\r\r\n' '\r\n\0.\r\n' '\r\n.\0\r\n'; do
    client "$PORT" @1 "$HELLO" @2 "$ENVELOPE" @5 "outer$sequence" @sleep=0.02 'MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\ninner\r\n.\r\n' @6 'QUIT\r\n' @eof >"$T/said"
    [ "$(grep -c '^354' "$T/said")" = 1 ]
    [ "$(grep -c '^250 2.1.0' "$T/said")" = 1 ]
    [ "$(grep -c '^550 5.[56]' "$T/said")" = 1 ]
  done
  [ -z "$(ls "$KEEP")" ]
}

@test "STARTTLS protects, and what was said before it does not count" {
  certificate
  serve --tls-cert "$T/cert.pem" --tls-key "$T/key.pem" --pipeline "$SINK"
  client "$PORT" @1 "$HELLO" @2 'STARTTLS\r\n' @3 @tls "$HELLO" @4 "$ENVELOPE" @7 'x\r\n.\r\n' @8 'QUIT\r\n' @eof
  grep -q 'proto=ESMTPS tls=TLSv1.3' "$KEEP"/*.block
  grep -q 'with ESMTPS id' "$KEEP"/*.eml
  # commands behind STARTTLS in the same packet are gone; the handshake follows undisturbed
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<evil@example.net>\r\nSTARTTLS\r\nRCPT TO:<b@example.org>\r\nNOOP\r\n' @4 @sleep=0.2 @tls 'RCPT TO:<c@example.org>\r\n' @5 "$HELLO" @6 'QUIT\r\n' @eof
  sed '1,/^220 2.0.0/d' <<<"$output" >"$T/under-tls"
  [ "$(head -1 "$T/under-tls" | cut -c1-3)" = 503 ]
  run ! grep -q STARTTLS "$T/under-tls"
}

@test "STARTTLS is not offered without a certificate" {
  serve --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 'STARTTLS\r\n' @3
  ! [[ "$output" =~ 250.STARTTLS ]]
  [[ "$output" =~ 502\ 5\.5\.1 ]]
}

@test "a chunk that was not asked for is refused and is no command" {
  serve --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 'BDAT 25 LAST\r\nMAIL FROM:<evil@evil.e>\r\nNOOP\r\n' @4 'QUIT\r\n' @eof
  [ "$(tail -3 <<<"$output" | cut -c1-3 | tr '\n' ' ')" = "503 250 221 " ]
  ! [[ "$output" =~ 2\.1\.0 ]]
}

@test "closes on clients that are too slow, in commands and in data" {
  serve --command-timeout=1 --data-timeout=1 --data-rate=1000 --pipeline "$SINK"
  run client "$PORT" @1 @drip=NOOP @eof
  [[ "$output" =~ 421\ 4\.4\.2 ]]
  run client "$PORT" @1 "$HELLO" @2 "$ENVELOPE" @5 '@drip=x\r\n' @eof
  [[ "$output" =~ 421\ 4\.4\.2 ]]
  [ -z "$(ls "$KEEP")" ]
}

@test "a browser gets no second line" {
  serve --pipeline "$SINK"
  run client "$PORT" 'POST / HTTP/1.1\r\nMAIL FROM:<a@b.c>\r\n' @eof
  [ "$(cut -c1-3 <<<"$output" | tr '\n' ' ')" = "220 221 " ]
}

@test "a client that goes away in the middle of a message leaves nothing" {
  serve --pipeline "$SINK"
  client "$PORT" @1 "$HELLO" @2 "$ENVELOPE" @5 'Subject: half\r\n' @close @eof
  run send
  [[ "$output" =~ ^250 ]]
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 1 ]
}

@test "takes several recipients only where they are stored in one step" {
  serve --pipeline "$QUEUE --refuse=2"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<a@b.c>\r\nRCPT TO:<1@b.c>\r\nRCPT TO:<2@b.c>\r\nDATA\r\n' @6 'x\r\n.\r\n' @7
  [[ "${lines[-1]}" =~ ^250 ]] # accepted and refused mixed
  ! grep -q ' for <' "$KEEP"/*.eml
  serve --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<a@b.c>\r\nRCPT TO:<1@b.c>\r\nRCPT TO:<2@b.c>\r\n' @5
  [[ "${lines[-1]}" =~ ^452\ 4\.5\.3 ]]
}

@test "LMTP gives each recipient an answer of its own" {
  serve --lmtp 127.0.0.1:0 --pipeline "$SINK --refuse=2"
  run client "$(tail -1 "$T/port")" @1 'LHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<1@b.c>\r\nRCPT TO:<2@b.c>\r\nRCPT TO:<3@b.c>\r\nDATA\r\n' @7 'x\r\n.\r\n' @10 'EHLO c\r\n' @11
  [ "$(tail -4 <<<"$output" | cut -c1-3 | tr '\n' ' ')" = "250 550 250 500 " ]
  grep -q 'proto=LMTP' "$KEEP"/*.block
}

@test "refuses what is too large, goes in circles, or does not fit into memory" {
  printf '[limits]\nmessage = 200000\n' >"$T/mgw.toml"
  serve --config "$T/mgw.toml" --memory=100k --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<a@b.c> SIZE=300000\r\nMAIL FROM:<a@b.c> SIZE=150000\r\nMAIL FROM:<a@b.c>\r\n' @5
  [ "$(tail -3 <<<"$output" | cut -c1-9 | tr '\n' ' ')" = "552 5.3.4 452 4.3.1 250 2.1.0 " ]
  run send "$(printf 'x%.0s' {1..1000} | sed 's/.*/&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&/;s/.*/&&&&/')\r\n"
  [[ "$output" =~ ^452\ 4\.3\.1 ]]
  run send "$(printf 'Received: x\\r\\n%.0s' {1..101})\r\nx\r\n"
  [[ "$output" =~ ^554\ 5\.4\.6 ]]
  run send
  [[ "$output" =~ ^250 ]]
}

@test "limits connections, all and from one address" {
  serve --connections-per-ip=1 --pipeline "$SINK"
  run bash -c "$PYTHON '$MGW_DATA/recv/client.py' $PORT @1 @sleep=1 & sleep 0.4; $PYTHON '$MGW_DATA/recv/client.py' $PORT @eof; wait"
  [[ "$output" =~ "421 4.7.0 Too many connections from your address" ]]
  run send
  [[ "$output" =~ ^250 ]]
}

@test "closes on too many errors" {
  serve --errors=3 --pipeline "$SINK"
  run client "$PORT" @1 'A\r\nB\r\nC\r\nD\r\nE\r\n' @eof
  [ "$(cut -c1-3 <<<"$output" | tr '\n' ' ')" = "220 500 500 500 500 421 " ]
}

@test "SIGHUP checks, starts a new lane and moves mail to it" {
  export MGW_TEST_CHECK="$T/check"
  echo 0 >"$T/check"
  serve --pipeline "$QUEUE --log=$T/starts"
  run send
  kill -HUP "$PID"
  wait_for 5 bash -c "[ \$(wc -l <'$T/starts') = 2 ]"
  run send
  [[ "$output" =~ ^250 ]]
  echo 78 >"$T/check"
  kill -HUP "$PID"
  wait_for 5 grep -q 'the running lane stays' "$T/server.err"
  run send
  [[ "$output" =~ ^250 ]]
  [ "$(wc -l <"$T/starts")" = 2 ]
}

@test "SIGTERM lets what is in flight finish, tells the idle to go, and ends with 0" {
  serve --pipeline "$BIN/sink --keep=$KEEP --delay=0.6 --seen=$T/seen"
  client "$PORT" @1 @eof >"$T/idle" &
  local idle=$!
  sleep 0.3 # until it is connected
  send >"$T/reply" &
  local sender=$!
  wait_for 5 test -e "$T/seen"
  kill -TERM "$PID"
  wait "$sender"
  wait "$idle"
  client "$PORT" @1 && return 1 # nobody listens any more
  wait "$PID"
  PIDS=()
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 1 ]
  grep -q '^421 4.3.2' "$T/idle"
  grep -q '^250 2.0.0 queued' "$T/reply" # and 421 behind it
}

@test "a front that dies is started again" {
  serve --pipeline "$SINK"
  local front
  front="$(pgrep -P "$PID" -x mgw-recv)"
  kill -KILL "$front"
  wait_for 5 grep -q 'it is started again' "$T/server.err"
  run send
  [[ "$output" =~ ^250 ]]
}

@test "serves one session on standard input and output" {
  run bash -c "printf 'EHLO c\r\n${ENVELOPE}Subject: x\r\n\r\n.\r\nQUIT\r\n' | mgw-recv --smtp-stdio --client-ip=192.0.2.7 --pipeline '$SINK'"
  [ "$status" = 0 ]
  [[ "${lines[-2]}" =~ ^250\ 2\.0\.0\ queued ]]
  grep -q '^Mgw-Client: ip=192.0.2.7 helo=c ' "$KEEP"/*.block
}

@test "writes one record for each message" {
  serve --log "$T/log" --pipeline "$SINK"
  run send
  [ "$(jq -r '.code, .from, .to[0], .client' "$T/log" | tr '\n' ' ')" = "250 a@example.net b@example.org 127.0.0.1 " ]
  [ "$(jq -r .id "$T/log")" = "$(basename "$KEEP"/*.eml .eml)" ]
}

@test "--stdin passes odd mail unchanged" {
  printf 'no header at all' >"$T/a"
  printf '\r\r\r\r' >"$T/b"
  printf 'A: b\0c\n\n\0\0' >"$T/c"
  printf 'A: b\n\n' >"$T/d"
  head -c 50000000 /dev/urandom >"$T/e"
  local file
  for file in a b c d e; do
    mgw-recv --stdin --from= --to=a@b.c <"$T/$file" >"$T/out"
    cmp "$T/$file" "$T/out"
    mgw-recv --stdin --pipeline "$BIN/stage" --to=a@b.c <"$T/$file" >"$T/out"
    cmp "$T/$file" "$T/out"
  done
}

@test "--stdin removes forged blocks and keeps the From line first" {
  { echo 'From a@b.c Tue Nov 24 05:47:35 2026'; printf 'Mgw-Id: 01AAAAAAAAAAAAAAAAAAAAAAAA\nMgw-Verdict: accept *\nMgw-End:\n'; mail x; } >"$T/in"
  mgw-recv --stdin <"$T/in" >"$T/out" 2>"$T/err"
  cmp "$T/out" <(echo 'From a@b.c Tue Nov 24 05:47:35 2026'; mail x)
  mgw-recv --stdin --block=keep --from=x@y.z --to=a@b.c <"$T/in" >"$T/out" 2>"$T/err"
  head -1 "$T/out" | grep -q '^From a@b.c'
  ! grep -q Mgw-Verdict "$T/out"
  grep -q '^Mgw-From: <x@y.z>' "$T/out"
  grep -Eq '^Mgw-End: hmac-sha256=[0-9a-f]{64}$' "$T/out"
}

@test "--stdin says what is wrong by its status and leaves standard output empty" {
  run -75 mgw-recv --stdin </dev/null
  [[ "$output" =~ "no message on standard input" ]]
  mail x >"$T/in"
  run -75 mgw-recv --stdin --pipeline "$BIN/stage --die-after=0" <"$T/in"
  [[ "$output" =~ "stage: killed by signal 9" ]]
  run -75 mgw-recv --stdin --pipeline "$BIN/stage --truncate=0" <"$T/in"
  run -75 mgw-recv --stdin --lane-timeout=1 --pipeline "$BIN/stage --hang-after=0" <"$T/in"
  [[ "$output" =~ "took longer than 1000 ms" ]]
  run -75 bash -c "mgw-recv --stdin <'$T/in' >/dev/full"
  run -78 mgw-recv --stdin --pipeline "no-such-program" <"$T/in"
  run -78 mgw-recv --stdin --pipeline "$BIN/stage | " <"$T/in"
}

@test "--stdin tells a sink's answer by its status" {
  mail x >"$T/in"
  run -0 --separate-stderr mgw-recv --stdin --to=a@b.c --pipeline "$BIN/stage | $SINK" <"$T/in"
  [ "$output" = "" ]
  cmp "$T/in" "$KEEP"/*.eml
  run -75 mgw-recv --stdin --to=a@b.c --pipeline "$BIN/sink --code=451" <"$T/in"
  run -77 --separate-stderr mgw-recv --stdin --to=a@b.c --pipeline "$BIN/sink --code=550" <"$T/in"
  [ "$output" = "" ]
  [[ "$stderr" =~ "550 5.0.0 not taken" ]]
}

@test "--stdin takes a mailbox message by message" {
  for n in 1 2 3; do echo 'From a@b.c Tue Nov 24 05:47:35 2026'; mail "$n"; echo; done >"$T/mbox"
  mgw-recv --stdin --input=mbox --pipeline "$BIN/stage" <"$T/mbox" >"$T/out"
  cmp "$T/mbox" "$T/out"
  mgw-recv --stdin --input=mbox --to=a@b.c --pipeline "$SINK" <"$T/mbox"
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 3 ]
}

@test "says what is wrong with its options before it reads anything" {
  run -64 mgw-recv --no-such-option
  run -64 mgw-recv
  [[ "$output" =~ "give one of --listen" ]]
  run -64 mgw-recv --listen 127.0.0.1:0
  [[ "$output" =~ "--pipeline is missing" ]]
  run -78 mgw-recv --listen nowhere --pipeline "$SINK"
  run -78 mgw-recv --listen 127.0.0.1:0 --tls-cert "$T/missing" --pipeline "$SINK"
  [[ "$output" =~ "cannot open" ]]
  mail x >"$T/in"
  run -78 mgw-recv --listen 127.0.0.1:0 --tls-cert "$T/in" --pipeline "$SINK"
  [[ "$output" =~ "--tls-cert" ]]
  run -0 mgw-recv --listen 127.0.0.1:0 --check --pipeline "$BIN/stage | $SINK"
  [[ "$output" =~ "stage is not of mgw: it runs unconfined" ]]
}
