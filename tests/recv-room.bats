#!/usr/bin/env bats
# Short of room: clients wait or are asked to come again before their octets have come, and nothing is lost.
load helper
load recv-helper

setup() {
  recv_setup
  SINK="$QUEUE"
  export MGW_SPOOL="$T/spool"
}
teardown() { recv_teardown; }

PYTHON="$(command -v /usr/bin/python3 || command -v python3) -IS"
client() { timeout 25 $PYTHON "$MGW_DATA/recv/client.py" "$PORT" "$@"; }
HELLO='EHLO client.example\r\n'
TO='MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n'

# sends N MESSAGES of MEGABYTES each at the same time, without SIZE; prints how often each code came
together() {
  timeout 60 $PYTHON - "$PORT" "$@" <<'END'
import collections, socket, sys, threading
port, count, megabytes = map(int, sys.argv[1:])
codes = collections.Counter()
line = b"x" * 70 + b"\r\n"
body = line * (megabytes * 1000000 // len(line))
def one():
    s = socket.create_connection(("127.0.0.1", port))
    f = s.makefile("rb")
    def say(octets):
        s.sendall(octets)
        while True:
            reply = f.readline()
            if reply[3:4] != b"-":
                return reply[:3].decode()
    f.readline()
    code = ""
    for command in (b"HELO c.example\r\n", b"MAIL FROM:<a@example.net>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n"):
        code = say(command)
        if code not in ("250", "354"):
            codes[code] += 1
            return
    codes[say(b"Subject: s\r\n\r\n" + body + b".\r\n")] += 1
threads = [threading.Thread(target=one) for _ in range(count)]
for t in threads: t.start()
for t in threads: t.join()
print(*(f"{code}={n}" for code, n in sorted(codes.items())))
END
}

@test "more messages at a time than memory holds are all taken, one after the other" {
  serve --listen 127.0.0.1:0 --memory=20M
  together 20 5 >"$T/codes"
  [ "$(cat "$T/codes")" = "250=20" ]
  [ "$(find "$KEEP" -name "*.eml" | wc -l)" = 20 ]
}

@test "small messages go on while large ones wait" {
  serve --listen 127.0.0.1:0 --memory=20M
  together 12 5 >"$T/large" &
  local large=$!
  wait_for 10 has_some
  for _ in 1 2 3 4 5; do
    client @1 "$HELLO" @2 "$TO" @4 'DATA\r\n' @5 'Subject: small\r\n\r\nx\r\n.\r\n' @6 'QUIT\r\n' @eof | grep -q '^250 2.0.0 .*[0-9A-Z]\{26\}'
  done
  wait "$large"
  [ "$(cat "$T/large")" = "250=12" ]
}
has_some() { [ -n "$(ls "$KEEP")" ]; }

@test "a sink without space is heard of: the next sender is asked to come again before it sends" {
  SINK="mgw-queue add --min-free=100%"
  serve --listen 127.0.0.1:0
  client @1 "$HELLO" @2 "$TO" @4 'DATA\r\n' @5 'Subject: s\r\n\r\nx\r\n.\r\n' @6 'MAIL FROM:<a@example.net>\r\n' @7 'QUIT\r\n' @eof >"$T/said"
  grep -q '^452 4.3.1 insufficient system storage' "$T/said"
  grep -q '^452 4.3.1 Insufficient system storage, try again later' "$T/said"
}
