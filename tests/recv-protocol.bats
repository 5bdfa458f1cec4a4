#!/usr/bin/env bats
# What clients can say to mgw-recv: extensions, parameters, chunks, and what is answered to what is wrong.
load helper
load recv-helper

setup() {
  recv_setup
  export MGW_SPOOL="$T/spool"
}

teardown() { recv_teardown; }

# serve OPTION...: a server in the background; PORT
serve() {
  rm -f "$T/port"
  mgw-recv --listen 127.0.0.1:0 --port-file "$T/port" --hostname mx.example "$@" </dev/null >"$T/server.out" 2>"$T/server.err" 3>&- &
  PIDS+=("$!")
  wait_for 10 test -s "$T/port" || { cat "$T/server.err"; return 1; }
  PORT="$(head -1 "$T/port")"
}

PYTHON="$(command -v /usr/bin/python3 || command -v python3) -IS"
client() { timeout 25 $PYTHON "$MGW_DATA/recv/client.py" "$@"; }
# library SCRIPT: Python with a connected smtplib client named c
library() {
  timeout 25 $PYTHON -c "import smtplib, ssl
c = smtplib.SMTP('127.0.0.1', $PORT, local_hostname='client.example', timeout=20)
$1
c.quit()"
}
# codes N: the codes of the last N final lines of $output
codes() { grep '^... ' <<<"$output" | tail -"$1" | cut -c1-3 | tr '\n' ' '; }

HELLO='EHLO client.example\r\n'
TO='MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n'

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mx.example \
    -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
}

@test "announces what works, in one order" {
  certificate
  serve --tls-cert "$T/cert.pem" --tls-key "$T/key.pem" --messages=5 --pipeline "$QUEUE"
  client "$PORT" @1 "$HELLO" @2 'STARTTLS\r\n' @3 @tls "$HELLO" @4 'QUIT\r\n' @eof >"$T/said"
  grep -o '^250.[A-Z8].*' "$T/said" | cut -c5- >"$T/extensions"
  diff - "$T/extensions" <<END
PIPELINING
SIZE 52428800
8BITMIME
SMTPUTF8
ENHANCEDSTATUSCODES
DSN
CHUNKING
STARTTLS
LIMITS RCPTMAX=1000 MAILMAX=5
PIPELINING
SIZE 52428800
8BITMIME
SMTPUTF8
ENHANCEDSTATUSCODES
DSN
CHUNKING
REQUIRETLS
LIMITS RCPTMAX=1000 MAILMAX=5
END
}

@test "carries the parameters of DSN in the envelope block" {
  serve --pipeline "$QUEUE"
  library "c.sendmail('a@example.net', ['b@example.org'], 'Subject: x\r\n\r\nhi\r\n', mail_options=['RET=HDRS', 'ENVID=QQ+2B1'],
    rcpt_options=['NOTIFY=FAILURE,DELAY', 'ORCPT=rfc822;first@example.org'])"
  grep -qxF 'Mgw-From: <a@example.net> RET=HDRS ENVID=QQ+2B1' "$KEEP"/*.block
  grep -qxF 'Mgw-To: 1 <b@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;first@example.org' "$KEEP"/*.block
}

@test "a notice says what the sender asked for, and none is sent where none was wanted" {
  serve --pipeline 'mgw-queue add'
  local send="$MGW_DATA/queue/sender.py --out $T/sent"
  library "c.sendmail('a@example.net', ['nobody@example.org'], 'Subject: one\r\n\r\nhi\r\n', mail_options=['ENVID=QQ+2B1'],
    rcpt_options=['NOTIFY=FAILURE', 'ORCPT=rfc822;first+2Bx@example.org'])"
  library "c.sendmail('a@example.net', ['nobody@example.org'], 'Subject: two\r\n\r\nhi\r\n', rcpt_options=['NOTIFY=NEVER'])"
  mgw-queue run --once --send "$send"
  mgw-queue run --once --send "$send"
  [ "$(grep -c '^Subject: Undelivered mail' "$T/sent")" = 1 ]
  grep -q '^Original-Envelope-Id: QQ+1' "$T/sent"
  grep -q '^Original-Recipient: rfc822; first+x@example.org' "$T/sent"
}

@test "SMTPUTF8 reaches the next server" {
  serve --pipeline "$QUEUE"
  local last="$PORT"
  serve --pipeline "mgw-route --relay=[127.0.0.1]:$last | mgw-queue add"
  library "c.sendmail('jürgen@bücher.example', ['zoë@example.org'], 'Subject: Grüße\r\n\r\nhi\r\n'.encode(), mail_options=['SMTPUTF8', 'BODY=8BITMIME'])"
  mgw-queue run --once --send 'mgw-send --tls=none'
  grep -qxF 'Mgw-From: <jürgen@bücher.example> BODY=8BITMIME SMTPUTF8' "$KEEP"/*.block
  grep -qF 'Mgw-To: 1 <zoë@example.org>' "$KEEP"/*.block
  grep -q 'with UTF8SMTP id ' "$KEEP"/*.eml
  grep -q 'for <zoë@example.org>; ' "$KEEP"/*.eml
}

@test "UTF-8 in an address needs SMTPUTF8, and must be UTF-8" {
  serve --pipeline "$QUEUE"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<\xc3\xa4@example.net>\r\nMAIL FROM:<\xe4@example.net> SMTPUTF8\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<\xc3\xa4@example.org>\r\n' @6
  [ "$(codes 4)" = "553 501 250 553 " ]
  [[ "$output" =~ "553 5.6.7 Address with octets outside ASCII needs SMTPUTF8" ]]
}

@test "a domain is served in U-labels and A-labels alike" {
  serve --domain bücher.example --pipeline "$QUEUE"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<a@b\xc3\xbccher.example>\r\nRCPT TO:<a@xn--bcher-kva.example>\r\nRCPT TO:<a@bucher.example>\r\n' @6
  [ "$(codes 3)" = "250 250 550 " ]
}

@test "chunks are stored octet for octet" {
  serve --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'BDAT 14\r\nSubject: x\r\n\r\nBDAT 8\r\n.\r\n..a\r\nBDAT 5 LAST\r\n.\r\nno' @7 'QUIT\r\n' @eof
  [ "$(codes 4)" = "250 250 250 221 " ]
  printf 'Subject: x\r\n\r\n.\r\n..a\r\n.\r\nno' | cmp - <(sed '1,/; .* +0000\r$/d' "$KEEP"/*.eml)
}

@test "a large message in chunks, sent without waiting" {
  serve --pipeline "$SINK"
  $PYTHON - "$PORT" "$T/in" <<'END'
import os, random, socket, sys
lines = b"Subject: large\r\n\r\n" + b"".join(b"%d " % n * random.randint(0, 9) + b"\r\n" for n in range(100000))
open(sys.argv[2], "wb").write(lines)
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
out, rest, chunks = b"EHLO c\r\nMAIL FROM:<a@b.c> SIZE=%d\r\nRCPT TO:<d@e.f>\r\n" % len(lines), lines, 0
while rest:
    n = random.randint(1, 300000)
    piece, rest = rest[:n], rest[n:]
    out += b"BDAT %d%s\r\n" % (len(piece), b"" if rest else b" LAST") + piece
    chunks += 1
s.sendall(out + b"QUIT\r\n")
got = b""
while piece := s.recv(65536):
    got += piece
assert got.count(b"250 2.0.0") == chunks and b"\r\n221 " in got, got
END
  cmp "$T/in" <(sed '1,/; .* +0000\r$/d' "$KEEP"/*.eml)
}

@test "refused chunks are no commands" {
  serve --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 'BDAT 25 LAST\r\nMAIL FROM:<evil@evil.e>\r\n' "$TO"'BDAT 3\r\nhi\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\nQUIT\r\n' @eof
  [ "$(codes 7)" = "503 250 250 550 503 250 221 " ]
  [ -z "$(ls "$KEEP")" ]
}

@test "a chunk whose end nobody knows closes the session" {
  serve --pipeline "$SINK"
  local bad
  for bad in 'BDAT' 'BDAT x' 'BDAT 3 FOO' 'BDAT -1' 'BDAT 18446744073709551615 LAST' 'BDAT 99999999999999999999 LAST'; do
    run client "$PORT" @1 "$HELLO" @2 "$TO$bad"'\r\nRSET\r\nQUIT\r\n' @eof
    [[ "$(codes 1)" =~ ^5[02]1 ]] || { echo "$bad: $output"; return 1; }
  done
}

@test "a chunk may drip no more than data may, but a client may think between chunks" {
  serve --data-timeout=1 --data-rate=1000 --command-timeout=10 --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'BDAT 100\r\n' @drip=x @eof
  [[ "$output" =~ 421\ 4\.4\.2 ]]
  [ -z "$(ls "$KEEP")" ]
  run client "$PORT" @1 "$HELLO" @2 "$TO"'BDAT 2\r\n\r\n' @5 @sleep=2.5 'BDAT 3 LAST\r\n' @sleep=0.3 'x\r\n' @6 'QUIT\r\n' @eof
  [ "$(codes 3)" = "250 250 221 " ]
}

@test "a chunk that does not fit into memory is refused and read to its end" {
  serve --memory=100k --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'BDAT 110000\r\n' "$(printf 'RSET\\r\\n%.0s' {1..10000})" "$(printf 'QUIT\\r\\n%.0s' {1..8333})"'\r\n' 'BDAT 3 LAST\r\nx\r\n' "$TO"'BDAT 3 LAST\r\nx\r\nQUIT\r\n' @eof
  [ "$(codes 6)" = "452 503 250 250 250 221 " ]
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 1 ]
}

@test "DATA after a chunk, and RCPT, are out of order" {
  serve --pipeline "$QUEUE"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'BDAT 2\r\n\r\nDATA\r\nRCPT TO:<c@example.org>\r\nRSET\r\n' "$TO"'DATA\r\n' @11 '.\r\nBDAT 0 LAST\r\nQUIT\r\n' @eof
  [ "$(codes 10)" = "250 503 503 250 250 250 354 250 503 221 " ]
}

@test "LMTP answers for each recipient after the last chunk" {
  serve --lmtp 127.0.0.1:0 --pipeline "$SINK --refuse=2"
  run client "$(tail -1 "$T/port")" @1 'LHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<1@b.c>\r\nRCPT TO:<2@b.c>\r\nBDAT 3\r\nx\r\nBDAT 0 LAST\r\nQUIT\r\n' @eof
  [ "$(codes 4)" = "250 250 550 221 " ]
}

@test "a NUL is refused, from DATA and in chunks" {
  serve --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'BDAT 5 LAST\r\na\0b\r\n' "$TO"'DATA\r\n' @8 'a\0b\r\n.\r\nQUIT\r\n' @eof
  [ "$(grep -c '^550 5.6.0 A NUL octet is not allowed in a message (RFC 2045 section 2.8) [0-9A-Z]\{26\}$' <<<"$output")" = 2 ]
  [ -z "$(ls "$KEEP")" ]
}

@test "lines may be as long as --text-line says" {
  serve --text-line=998 --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'DATA\r\n' @5 "$(printf 'x%.0s' {1..998})"'\r\n.\r\n' "$TO"'DATA\r\n' @9 "$(printf 'x%.0s' {1..999})"'\r\n.\r\nQUIT\r\n' @eof
  [[ "$output" =~ "550 5.6.0 A line is longer than 998 octets" ]]
  [ "$(ls "$KEEP"/*.eml | wc -l)" = 1 ]
}

@test "with --bare-newlines=normalize line ends are mended, and nine variants of an end still smuggle nothing" {
  serve --bare-newlines=normalize --pipeline "$SINK"
  local sequence n=0
  for sequence in '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r.\r\n' '\r\n.\r' '\r\n.\r\r\n' '\r\n\0.\r\n' '\r\n.\0\r\n'; do
    client "$PORT" @1 "$HELLO" @2 "$TO"'DATA\r\n' @5 "outer$sequence" @sleep=0.02 'MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\ninner\r\n.\r\n' @6 'QUIT\r\n' @eof >"$T/said"
    [ "$(grep -c '^354' "$T/said")" = 1 ]
    [ "$(grep -c '^250 2.1.0' "$T/said")" = 1 ]
  done
  [ "$(ls "$KEEP"/*.block | wc -l)" = 7 ] # those with NUL are refused
  run ! grep -q evil "$KEEP"/*.block
  run ! grep -Pq '[^\r]$' "$KEEP"/*.eml
  run client "$PORT" @1 'EHLO c\nNOOP\n' @3
  [ "$(codes 1)" = "250 " ]
}

@test "every refusal of a message ends with its Mgw-Id and has a record" {
  serve --log "$T/log" --domain example.org --pipeline "$QUEUE"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<a@example.net> FOO\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<c@example.com>\r\nRCPT TO:<x>\r\nDATA\r\nQUIT\r\n' @eof
  [ "$(grep -c '^5.. .* [0-9A-Z]\{26\}$' <<<"$output")" = 4 ]
  local id
  id="$(grep '^550' <<<"$output" | grep -o '[0-9A-Z]*$')"
  [ "$(grep '^554' <<<"$output" | grep -o '[0-9A-Z]*$')" = "$id" ]
  [ "$(jq -r --arg id "$id" 'select(.id == $id) | .refused + " " + .from + " " + (.to[0] // "") + " " + (.code | tostring)' "$T/log")" = \
    "$(printf 'RCPT a@example.net c@example.com 550\nRCPT a@example.net  501\nDATA a@example.net  554')" ]
  [ "$(jq -r 'select(.refused == "MAIL") | .enhanced' "$T/log")" = 5.5.4 ]
}

@test "strangers hear no local paths" {
  serve --pipeline "mgw-send --maildir=$T/Mail"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'DATA\r\n' @5 'Subject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n' @eof
  [[ "$output" =~ 250\ 2.0.0\ delivered\ [0-9A-Z]{26} ]]
  rm -rf "$T/Mail/new"
  echo x >"$T/Mail/new" # no folder any more
  run client "$PORT" @1 "$HELLO" @2 "$TO"'DATA\r\n' @5 'Subject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n' @eof
  [ "$(codes 2)" = "451 221 " ]
  [[ ! "$output" =~ "$T" ]]
}

@test "REQUIRETLS is offered under TLS only, and carried" {
  certificate
  serve --tls-cert "$T/cert.pem" --tls-key "$T/key.pem" --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 'MAIL FROM:<a@example.net> REQUIRETLS\r\n' @3 'QUIT\r\n' @eof
  [[ "$output" =~ "555 5.5.4 REQUIRETLS is offered under TLS only" ]]
  library "c.starttls(context=ssl._create_unverified_context())
c.sendmail('a@example.net', ['b@example.org'], 'TLS-Required: No\r\n\r\nhi\r\n', mail_options=['REQUIRETLS'])"
  grep -qxF 'Mgw-From: <a@example.net> REQUIRETLS' "$KEEP"/*.block
  grep -q 'with ESMTPS id ' "$KEEP"/*.eml
  grep -q '^TLS-Required: No' "$KEEP"/*.eml
}

@test "--strict refuses what others tolerate" {
  serve --strict --pipeline "$SINK"
  run client "$PORT" @1 'EHLO what is this\r\nEHLO client.example\r\nMAIL FROM: <a@example.net>\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:b@example.org\r\nRCPT TO:<b@[300.0.0.1]>\r\nQUIT\r\n' @eof
  [ "$(codes 7)" = "501 250 501 250 501 501 221 " ]
}

@test "--messages limits a session" {
  serve --messages=1 --pipeline "$SINK"
  run client "$PORT" @1 "$HELLO" @2 "$TO"'DATA\r\n' @5 '.\r\nMAIL FROM:<a@example.net>\r\n' @eof
  [[ "${lines[-1]}" =~ "421 4.7.0 No more than 1 messages" ]]
}

@test "--session-timeout ends a session that brings no message, however busy" {
  serve --session-timeout=1 --pipeline "$SINK"
  run client "$PORT" @1 'NOOP\r\n' @sleep=0.3 'NOOP\r\n' @sleep=0.3 'NOOP\r\n' @eof
  [[ "$output" =~ 421\ 4\.4\.2 ]]
}

@test "LMTP is never served on port 25" {
  run -64 mgw-recv --lmtp 127.0.0.1:25 --pipeline "$SINK"
  [[ "$output" =~ "--lmtp on port 25" ]]
}
