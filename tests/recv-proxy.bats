#!/usr/bin/env bats
# Who stands between a client and mgw-recv: proxies (PROXY protocol), and filters that name the client (XCLIENT, XFORWARD).
load helper
load recv-helper

setup() {
  recv_setup
  cat >"$T/talk.py" <<'END'
import socket, sys
# Says each argument after the port, with a pause behind each that ends in '|', then reads to the end.
port, words = int(sys.argv[1]), sys.argv[2:]
s = socket.create_connection(("127.0.0.1", port), timeout=20)
import time
for word in words:
    pause = word.endswith("|")
    s.sendall(word.rstrip("|").encode().decode("unicode_escape").encode("latin-1"))
    if pause:
        time.sleep(0.1)
said = b""
try:
    while True:
        got = s.recv(65536)
        if not got:
            break
        said += got
except TimeoutError:
    said += b"TIMEOUT"
sys.stdout.buffer.write(said)
END
}
teardown() { recv_teardown; }

talk() { timeout 30 python3 "$T/talk.py" "$PORT" "$@"; }
MAIL='MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n|'
# mail_after WORDS...: a message behind them
mail_after() { talk "$@" 'EHLO c.example\r\n|' "$MAIL" 'DATA\r\n|' 'Subject: s\r\n\r\nx\r\n.\r\n|' 'QUIT\r\n'; }

@test "a PROXY header of version 1 names the client, however it is split" {
  serve --listen 127.0.0.1:0 --proxy-from 127.0.0.0/8 --log "$T/log"
  mail_after 'PRO|' 'XY TCP4 192.0.2.7 198.51.100.1 4711|' ' 25\r\n|' | grep -q '^250 2.0.0'
  grep -q '^Mgw-Client: ip=192.0.2.7 ' "$KEEP"/*.block
  grep -q '\[192.0.2.7\]' "$KEEP"/*.eml
  [ "$(jq -r 'select(.code == 250) | .client' "$T/log")" = 192.0.2.7 ]
}

@test "so does one of version 2, of IPv4 and IPv6, with values behind the addresses" {
  serve --listen 127.0.0.1:0 --proxy-from 127.0.0.0/8
  local signature='\r\n\r\n\x00\r\nQUIT\n'
  mail_after "$signature"'\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x00\x19|' | grep -q '^250 2.0.0'
  grep -q '^Mgw-Client: ip=192.0.2.7 ' "$KEEP"/*.block
  rm "$KEEP"/*
  local address='\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
  mail_after "$signature"'\x21\x21\x00\x28'"$address"'\x07'"$address"'\x01\x12\x67\x00\x19|' '\x04\x00\x01\x00|' | grep -q '^250 2.0.0'
  grep -q '^Mgw-Client: ip=2001:db8::7 ' "$KEEP"/*.block
}

@test "a proxy that speaks for itself is served as itself" {
  serve --listen 127.0.0.1:0 --proxy-from 127.0.0.0/8
  mail_after 'PROXY UNKNOWN\r\n|' | grep -q '^250 2.0.0'
  grep -q '^Mgw-Client: ip=127.0.0.1 ' "$KEEP"/*.block
}

@test "who must send a header and does not is not served; elsewhere a header is no command" {
  serve --listen 127.0.0.1:0 --proxy-from 127.0.0.0/8
  [ -z "$(talk 'EHLO c.example\r\n')" ]
  [ -z "$(talk 'PROXY TCP4 192.0.2.7 2001:db8::1 1 25\r\n')" ]
  [ -z "$(talk 'PROXY TCP4 999.0.2.7 192.0.2.1 1 25\r\n')" ]
  grep -q 'no PROXY header' "$T/server.err"
  serve --listen 127.0.0.1:0 --proxy-from 192.0.2.0/24
  talk 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n|' 'QUIT\r\n' | grep -q '^500 5.5.2\|^500 5.5.1'
}

@test "the limit of connections counts the clients of a proxy, not the proxy" {
  serve --listen 127.0.0.1:0 --proxy-from 127.0.0.0/8 --connections-per-ip 1
  talk 'PROXY TCP4 192.0.2.7 198.51.100.1 1 25\r\n|' >"$T/first" &
  local first=$!
  wait_for 10 greets 192.0.2.8
  talk 'PROXY TCP4 192.0.2.7 198.51.100.1 2 25\r\n|' 'QUIT\r\n' | grep -q '^421 4.7.0 Too many connections'
  kill "$first"
  wait "$first" || :
}
greets() { talk "PROXY TCP4 $1 198.51.100.1 2 25\r\n|" 'QUIT\r\n' | grep -q '^220 '; }

@test "XCLIENT begins a session of whom the client stands for; XFORWARD names it for the record only" {
  serve --listen 127.0.0.1:0 --xclient-from 127.0.0.0/8 --log "$T/log"
  mail_after 'EHLO filter.example\r\n|' 'XCLIENT ADDR=192.0.2.7 NAME=mail.example.net HELO=other.example LOGIN=alice\r\n|' >"$T/said"
  grep -q '^250-XCLIENT NAME ADDR ' "$T/said"
  [ "$(grep -c '^220 ' "$T/said")" = 2 ]
  grep -q '^Mgw-Client: ip=192.0.2.7 name=mail.example.net helo=c.example ' "$KEEP"/*.block
  grep -q ' auth=alice' "$KEEP"/*.block
  rm "$KEEP"/*
  talk 'EHLO filter.example\r\n|' 'XFORWARD ADDR=192.0.2.9 NAME=[UNAVAILABLE] HELO=c.example PROTO=ESMTP\r\n|' "$MAIL" 'DATA\r\n|' 'Subject: s\r\n\r\nx\r\n.\r\n|' 'QUIT\r\n' \
    >"$T/said"
  [ "$(grep -c '^220 ' "$T/said")" = 1 ]
  grep -q '^Mgw-Client: ip=192.0.2.9 helo=c.example ' "$KEEP"/*.block
  [ "$(jq -r 'select(.client == "192.0.2.9") | .forwarded_by' "$T/log")" = 127.0.0.1 ]
}

@test "XCLIENT is refused from others, between MAIL and the end of the message, and where it is malformed" {
  serve --listen 127.0.0.1:0 --xclient-from 192.0.2.0/24
  talk 'EHLO c.example\r\n|' 'XCLIENT ADDR=192.0.2.7\r\n|' 'QUIT\r\n' >"$T/said"
  grep -q '^550 5.7.0' "$T/said"
  run ! grep XCLIENT\ NAME "$T/said"
  serve --listen 127.0.0.1:0 --xclient-from 127.0.0.0/8
  talk 'EHLO c.example\r\n|' 'XCLIENT ADDR=nowhere\r\n|' 'XCLIENT COLOUR=red\r\n|' 'XCLIENT\r\n|' 'MAIL FROM:<a@example.net>\r\n|' 'XCLIENT ADDR=192.0.2.7\r\n|' 'QUIT\r\n' >"$T/said"
  [ "$(grep -c '^501 5.5.4' "$T/said")" = 3 ]
  grep -q '^503 5.5.1' "$T/said"
}
