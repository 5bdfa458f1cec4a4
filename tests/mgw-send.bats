load helper

setup() { mkdir -p "$T/out"; }
teardown() {
  if [ -n "${SERVER:-}" ]; then exec 9>&-; wait "$SERVER" || true; fi
}

# serve OPTION...: starts the scripted server; its port is $PORT
serve() {
  mkfifo "$T/keep"
  python3 "$MGW_DATA/send/server.py" --out "$T/out" "$@" <"$T/keep" >"$T/port" 3>&- &
  SERVER=$!
  exec 9>"$T/keep"
  wait_for 10 test -s "$T/port"
  PORT="$(cat "$T/port")"
}
send() { mgw-send --from=alice@example.net --to=bob@example.org "$@"; }
# frame N BLOCK-LINE...: a frame of one small message
frame() {
  local id="01JDF3M1S8W7Q2E5T9XK4V6B0$1" block message=$'Subject: x\n\nhi\n'
  shift
  block="$(printf '%s\n' "Mgw-Id: $id" 'Mgw-From: <a@example.net>' "$@" 'Mgw-End:')"$'\n'
  printf 'MGW1 %s 1\n%s %s\n%s%sEND %s\n' "$id" "${#block}" "${#message}" "$block" "$message" "$id"
}
to() { echo "Mgw-To: $1 <$2>"; }

@test "delivers one message by SMTP and says nothing" {
  serve
  mail one >"$T/m"
  run send --deliver="smtp:[127.0.0.1]:$PORT" <"$T/m"
  [ "$status" -eq 0 ] && [ -z "$output" ]
  tr -d '\r' <"$T/out/1.eml" | cmp - "$T/m"
  grep -q '^MAIL FROM:<alice@example.net>' "$T/out/1.env"
}

@test "keeps every octet of a CRLF message" {
  serve
  mail one | sed 's/$/\r/' >"$T/m"; printf '.\r\n..dots\r\n' >>"$T/m"
  send --deliver="smtp:[127.0.0.1]:$PORT" <"$T/m"
  cmp "$T/out/1.eml" "$T/m"
}

@test "never sends the envelope block" {
  serve
  mail one | mgw-send --deliver="smtp:[127.0.0.1]:$PORT" --from=a@x.example --to=b@y.example
  ! grep -q '^Mgw-' "$T/out/1.eml"
}

@test "a refused recipient is status 77 with the server's words on standard error" {
  serve
  run -77 --separate-stderr send --to=reject@example.org --deliver="smtp:[127.0.0.1]:$PORT" < <(mail one)
  [ -z "$output" ]
  [[ "$stderr" == *"said: 550 5.1.1 no such user? here (in reply to RCPT TO)"* ]]
  [ -s "$T/out/1.eml" ]
}

@test "a reply lost after the final dot is a temporary failure" {
  serve --mode drop-after-dot
  run -75 send --deliver="smtp:[127.0.0.1]:$PORT" < <(mail one)
  [[ "$output" == *"may have been delivered"* ]]
}

@test "a server that nobody reaches is a temporary failure" {
  run -75 send --deliver="smtp:[127.0.0.1]:$(free_port)" < <(mail one)
  [[ "$output" == *"451 4.4.1"*"Connection refused"* ]]
}

@test "never sends a bare CR, a bare LF or a NUL" {
  serve
  for odd in 'a\rb\n' 'A: b\r\n\r\nx\n.\ny\r\n' 'A: b\n\nx\0y\n' '\r\r\r'; do
    run -77 send --deliver="smtp:[127.0.0.1]:$PORT" < <(printf "$odd")
    [[ "$output" == *"554 5.6.0"* ]]
  done
  [ ! -e "$T/out/1.eml" ]
}

@test "an address cannot smuggle a command" {
  serve
  run mgw-send --deliver="smtp:[127.0.0.1]:$PORT" --from=a@x.example --to=$'b@y.example>\r\nRCPT TO:<c@y.example' < <(mail one)
  [ "$status" -ne 0 ]
  [ ! -e "$T/out/1.eml" ]
}

@test "finds mail exchangers in a zone file" {
  serve
  printf '%s\n' 'example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'null.example. 60 IN MX 0 .' 'broken.example. SERVFAIL' >"$T/zone"
  send --deliver="smtp:example.org:$PORT" --dns-zone="$T/zone" < <(mail one)
  [ -s "$T/out/1.eml" ]
  run -77 mgw-send --deliver=mx --from=a@x.example --to=b@null.example --dns-zone="$T/zone" < <(mail one)
  [[ "$output" == *"556 5.1.10"* ]]
  run -75 mgw-send --deliver=mx --from=a@x.example --to=b@broken.example --dns-zone="$T/zone" < <(mail one)
  [[ "$output" == *"451 4.4.3"* ]]
}

@test "files a message into a Maildir that it makes" {
  mail one >"$T/m"
  send --maildir="$T/M" <"$T/m"
  [ -z "$(ls "$T/M/tmp")" ]
  { printf 'Return-Path: <alice@example.net>\nDelivered-To: bob@example.org\n'; cat "$T/m"; } | cmp - "$T"/M/new/*
}

@test "a Maildir gets LF line ends, or keeps what came" {
  mail one | sed 's/$/\r/' >"$T/m"
  send --maildir="$T/M" <"$T/m"
  ! grep -q $'\r' "$T"/M/new/*
  send --maildir="$T/K" --line-ends=keep <"$T/m"
  [ "$(grep -c $'\r' "$T"/K/new/*)" -eq 9 ]
}

@test "files odd mail as it is: no header, NUL, only CRs" {
  for odd in 'just text\n' 'A: b\n\nx\0y' '\r\r\r'; do
    rm -rf "$T/M"
    printf "$odd" >"$T/m"
    mgw-send --maildir="$T/M" --from=a@x.example --to=b@y.example <"$T/m"
    tail -c "$(stat -c %s "$T/m")" "$T"/M/new/* | cmp - "$T/m"
  done
}

@test "files each message of an mbox" {
  { echo 'From a Tue Nov 24 05:47:35 2026'; mail one; echo; echo 'From b Tue Nov 24 05:47:35 2026'; mail two; } >"$T/box"
  mgw-send --maildir="$T/M" --input=mbox <"$T/box"
  [ "$(ls "$T/M/new" | wc -l)" -eq 2 ]
}

@test "runs a declared program, an address being one argument" {
  send --to='"x; touch bad"@example.org' --deliver=pipe:keep --command="keep=sh -c 'cat >>$T/got; echo \$1 >>$T/to' sh {recipient}" < <(mail one)
  grep -q '^Subject: one' "$T/got"
  grep -q '"x; touch bad"@example.org' "$T/to"
}

@test "a program's exit status decides" {
  run -77 send --deliver=pipe:x --command="x=sh -c 'echo nobody here; exit 67'" < <(mail one)
  [[ "$output" == *"550 5.1.1 command x: exit status 67: nobody here"* ]]
  run -75 send --deliver=pipe:x --command="x=sh -c 'exit 1'" < <(mail one)
  run -75 send --deliver=pipe:x --command='x=sleep 20' --command-timeout=1 < <(mail one)
  [[ "$output" == *"ended after 1 seconds"* ]]
}

@test "answers frames by recipient, in the order in which they are done" {
  serve
  { frame A "$(to 1 b@example.org)" "$(to 2 reject@example.org)" "Mgw-Hop: * smtp:[127.0.0.1]:$PORT"
    frame B "$(to 1 b@example.org)" "Mgw-Hop: 1 error:5.1.1 no such user"
    frame C "$(to 1 b@example.org)" "Mgw-Hop: 1 maildir:$T/M/bob"
    frame D "$(to 1 b@example.org)"; } >"$T/frames"
  mgw-send --input=frames --maildir="$T/M" --maildir="$T/N" <"$T/frames" >"$T/answers"
  [ "$(head -1 "$T/answers")" = "MGW1 sink" ]
  sed 's/01JDF3M1S8W7Q2E5T9XK4V6B0//' "$T/answers" | grep -v MGW1 | cut -d' ' -f1-4 | sort >"$T/sorted"
  diff "$T/sorted" - <<'END'
A 1 250 2.0.0
A 2 550 5.1.1
A done
B 1 550 5.1.1
B done
C 1 250 2.0.0
C done
D 1 451 4.3.5
D done
END
}

@test "a verdict that is not accept delivers nothing" {
  frame A "$(to 1 a@example.org)" "$(to 2 b@example.org)" "$(to 3 c@example.org)" "$(to 4 d@example.org)" "$(to 5 e@example.org)" \
    'Mgw-Verdict: quarantine 1 class=spam by=t' 'Mgw-Verdict: reject 2 554 5.7.9 class=content by=t text=No' \
    'Mgw-Verdict: defer 3 class=policy by=t' 'Mgw-Verdict: discard 4 class=policy by=t' |
    mgw-send --input=frames --maildir="$T/M" >"$T/answers"
  run cut -d' ' -f2-4 "$T/answers"
  [ "$output" = $'sink\n1 451 4.7.1\n2 554 5.7.9\n3 451 4.7.1\n4 250 2.0.0\n5 250 2.0.0\ndone' ]
  [ "$(ls "$T/M/new" | wc -l)" -eq 1 ]
}

@test "delivers nothing once the deadline has passed" {
  frame A "$(to 1 a@example.org)" 'Mgw-Deadline: 0.500' | mgw-send --input=frames --maildir="$T/M" >"$T/answers"
  grep -q ' 1 451 4.4.7 ' "$T/answers"
  [ ! -d "$T/M/new" ] || [ -z "$(ls "$T/M/new")" ]
}

@test "delivers nothing when nobody reads the answers" {
  mkfifo "$T/answers"
  frame A "$(to 1 a@example.org)" >"$T/frame"
  { sleep 0.5; cat "$T/frame"; } | mgw-send --input=frames --maildir="$T/M" >"$T/answers" 2>/dev/null &
  head -1 "$T/answers" >/dev/null
  status=0; wait $! || status=$?
  [ "$status" -eq 75 ]
  [ ! -d "$T/M/new" ] || [ -z "$(ls "$T/M/new")" ]
}

@test "delivers nothing of a frame that is cut off" {
  { frame A "$(to 1 a@example.org)"; frame B "$(to 1 a@example.org)" | head -c 150; } >"$T/frames"
  run -75 mgw-send --input=frames --maildir="$T/M" <"$T/frames"
  [ "$(ls "$T/M/new" | wc -l)" -eq 1 ]
}

@test "a copy follows only where the message was accepted" {
  frame A "$(to 1 a@example.org)" "$(to 0.1 copy@example.org) for=1" | mgw-send --input=frames --maildir="$T/M" >"$T/answers"
  [ "$(ls "$T/M/new" | wc -l)" -eq 2 ]
  frame B "$(to 1 a@example.org)" "$(to 0.1 copy@example.org) for=1" 'Mgw-Hop: 1 error:4.2.0 later' | mgw-send --input=frames --maildir="$T/N" >"$T/answers"
  [ ! -d "$T/N/new" ] || [ -z "$(ls "$T/N/new")" ]
}

@test "uses one connection for many frames" {
  serve
  for n in A B C D E; do frame "$n" "$(to 1 b@example.org)"; done |
    mgw-send --input=frames --deliver="smtp:[127.0.0.1]:$PORT" --destination-connections=1 >"$T/answers"
  [ "$(grep -c ' 1 250 ' "$T/answers")" -eq 5 ]
  [ "$(cat "$T/out/connections")" -eq 1 ]
}

@test "a dry run says where it would go and sends nothing" {
  run send --deliver=smtp:[127.0.0.1]:2525 --dry-run < <(mail one)
  [ "$status" -eq 0 ]
  [ "$output" = "<bob@example.org> would go to smtp:[127.0.0.1]:2525 by 127.0.0.1:2525 with TLS may (default)" ]
}

@test "says what is missing before it reads" {
  run -64 send < <(mail one)
  [[ "$output" == *"no destination"*"--deliver"* ]]
  run -64 send --deliver=ftp:x < <(mail one)
  run -64 send --deliver=pipe:x < <(mail one)
  run -64 send --deliver=maildir:relative < <(mail one)
  run -64 send --no-such-option < <(mail one)
  run -78 send --deliver=pipe:x --command='x=no-such-program' < <(mail one)
  run -78 send --deliver=mx --dns-zone=/nonexistent < <(mail one)
}

@test "empty input is a temporary failure" {
  run -75 send --maildir="$T/M" </dev/null
  [[ "$output" == *"no message on standard input"* ]]
}

@test "an empty sender stays empty" {
  serve
  mgw-send --deliver="smtp:[127.0.0.1]:$PORT" --from= --to=b@example.org < <(mail one)
  grep -q '^MAIL FROM:<>' "$T/out/1.env"
}

@test "a full disk defers" {
  run -75 bash -c "trap '' XFSZ; ulimit -f 1; mgw-send --maildir='$T/M' --from=a@x.example --to=b@y.example < <(head -c 100000 /dev/zero | tr '\0' x)"
  [ ! -d "$T/M/new" ] || [ -z "$(ls "$T/M/new")" ]
}

@test "50 MB go through" {
  { mail big; head -c 50000000 /dev/zero | tr '\0' 'x' | fold -w 76; } | head -c 49000000 >"$T/m"; echo >>"$T/m"
  serve --mode big
  mgw-send --deliver="smtp:[127.0.0.1]:$PORT" --from=a@x.example --to=b@y.example <"$T/m"
  tr -d '\r' <"$T/out/1.eml" | cmp - "$T/m"
  mgw-send --maildir="$T/M" --from=a@x.example --to=b@y.example <"$T/m"
  tail -c 49000001 "$T"/M/new/* | cmp - "$T/m"
}

@test "a message that is larger than the server takes is refused before it is sent" {
  serve --mode small
  run -77 send --deliver="smtp:[127.0.0.1]:$PORT" < <(mail one)
  [[ "$output" == *"552 5.3.4"* ]]
  [ ! -e "$T/out/1.eml" ]
}
