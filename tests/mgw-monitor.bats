load helper

setup() {
  cd "$T" || return 1
  R=$MGW_DATA/monitor/records.json
  SPOOFED=01M867R9S13AAFGJZ4P2QN10GD
}
# same NAME COMMAND...: compares standard output with tests/data/monitor/NAME; UPDATE=1 writes it instead
same() {
  local want="$MGW_DATA/monitor/$1"
  shift
  "$@" >out
  if [ -n "${UPDATE:-}" ]; then cp out "$want"; fi
  diff -u "$want" out
}

@test "report sums up a file of records" {
  same report.txt mgw-monitor report "$R"
}
@test "report --json is one object with the same sums" {
  mgw-monitor report --json --top=2 "$R" >out
  python3 - out <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["messages"] == 4 and r["malformed"] == 0, r
assert r["verdicts"]["reject class=virus"] == 1 and r["verdicts"]["accept"] == 1, r
assert r["deliveries"] == {"delivered": 1}, r
assert r["authentication"]["dmarc"] == {"none": 2, "fail": 1, "pass": 1}, r
assert len(r["senders"]) == 2, r
PY
}
@test "metrics are in Prometheus' text format" {
  same metrics.txt mgw-monitor metrics "$R"
}
@test "trace tells arrival, measurements, decision with rule and line, and answer, in order" {
  same trace.txt mgw-monitor trace "$SPOOFED" "$R"
}
@test "trace finds the messages of an address, and an id of the queue" {
  mgw-monitor trace Carol@Example.com "$R" >out
  [ "$(grep -c ' of 2026-11-24 (UTC)$' out)" = 2 ]
  mgw-monitor trace 66100c4f6e6c0000 "$R" >out
  head -n 1 out | grep -q '^01M867R9M92QWR7XWT86PHN6BE of'
}
@test "trace finds a record before the first that names the address" {
  printf '{"time":"2026-11-24T07:00:01.000000Z","tool":"mgw-x","id":"A","note":"early"}\n' >r
  printf '{"time":"2026-11-24T07:00:02.000000Z","tool":"mgw-x","id":"A","from":"a@b.example"}\n' >>r
  mgw-monitor trace a@b.example r | grep -q 'note=early'
}
@test "trace --json gives the records as they stand" {
  mgw-monitor trace --json "$SPOOFED" "$R" | sort >out
  grep -F "$SPOOFED" "$R" | sort | cmp - out
}
@test "trace finds an address by its hash" {
  printf 'MAIL-KEY-OF-32-OCTETS-0123456789' >key
  mkdir -p "$XDG_STATE_HOME/mgw"
  install -m 600 key "$XDG_STATE_HOME/mgw/key"
  mail one | mgw-route --from=alice@example.net --to=bob@example.org --relay=x.example --log=r --log-redact >/dev/null
  run ! grep -q alice r
  mgw-monitor trace Alice@example.net r | grep -q 'mgw-route'
  mgw-monitor trace "$(grep -o 'h:[0-9a-f]*' r | head -n 1)" r | grep -q 'mgw-route'
  run -65 mgw-monitor trace mallory@example.net r
}
@test "asking for an address makes no key" {
  run -65 mgw-monitor trace nobody@example.org "$R"
  [ ! -e "$XDG_STATE_HOME/mgw/key" ]
}
@test "an unknown id is status 65 with a message, and nothing on standard output" {
  run -65 --separate-stderr mgw-monitor trace 01M867R9S13AAFGJZ4P2QN10GX "$R"
  [ -z "$output" ]
  [ "$stderr" = "mgw-monitor: no record of 01M867R9S13AAFGJZ4P2QN10GX" ]
}
@test "a file that cannot be read is status 65" {
  run -65 mgw-monitor report missing
  [[ "$output" == *"cannot open missing"* ]]
  run -65 mgw-monitor report .
  run -64 mgw-monitor trace
}
@test "reads standard input, and an empty one is an empty report" {
  mgw-monitor report <"$R" | cmp - "$MGW_DATA/monitor/report.txt"
  mgw-monitor report - <"$R" | cmp - "$MGW_DATA/monitor/report.txt"
  mgw-monitor report </dev/null | grep -qx 'records    0'
}
@test "hostile lines are counted, never fatal" {
  python3 - "$R" >r <<'PY'
import sys
w = sys.stdout.buffer.write
w(b'{"a":"' + b'x' * (2 << 20) + b'"}\n')
w(b'{"a":"\xff\xfe"}\n')
w(b'{"a":' + b'[' * 10000 + b']' * 10000 + b'}\n')
w(b'{"a":' * 10000 + b'1' + b'}' * 10000 + b'\n')
w(b'not json\n[1]\n{"a":1} x\n')
w(open(sys.argv[1], 'rb').read())
w(b'{"id":"cut')
PY
  mgw-monitor report r >out
  head -n 1 out | grep -q 'and 8 malformed lines$'
  tail -n +2 out | diff - <(tail -n +2 "$MGW_DATA/monitor/report.txt")
  run -0 --separate-stderr mgw-monitor trace "$SPOOFED" r
  [ "$output" = "$(cat "$MGW_DATA/monitor/trace.txt")" ]
  [[ "$stderr" == *"8 malformed lines"* ]]
}
@test "control characters in values are shown, not sent to the terminal" {
  printf '{"time":"2026-11-24T07:00:01.000000Z","tool":"mgw-x\\u001b[2J","id":"A","from":"a\\nb@c","k\\u0007":"v\\u009b\\u202e"}\n' >r
  mgw-monitor trace A r >out
  mgw-monitor report r >>out
  mgw-monitor report --json r >>out
  mgw-monitor metrics r >>out
  run ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' out
  grep -q '\\x1b\[2J' out
}
@test "duplicate keys: the first counts" {
  printf '{"id":"A","id":"B","tool":"mgw-scan","virus":"clean","virus":"infected"}\n' >r
  mgw-monitor trace A r | grep -q 'virus=clean'
  run -65 mgw-monitor trace B r
}
@test "many different senders take bounded memory" {
  python3 - >r <<'PY'
for i in range(60000):
    who = "often" if i % 2 else "u%d" % i
    print('{"tool":"mgw-recv","id":"I%d","client":"192.0.2.1","code":250,"from":"%s@example.net","to":["b@example.org"],"size":1}' % (i, who))
PY
  mgw-monitor report r >out
  grep -q '30000  <often@example.net>' out
  grep -q 'at least' out
}
@test "a full disk is a temporary failure" {
  run -75 bash -c "mgw-monitor report '$R' >/dev/full"
}
