load helper

R="$MGW_DATA/monitor/records"
A=01JDF3M1S8W7Q2E5T9XK4V6B0A
B=01JDF3M1S8W7Q2E5T9XK4V6B0B

@test "report counts messages, verdicts, results and what is no record" {
  run mgw-monitor report "$R"
  [ "$status" -eq 0 ]
  [[ "$output" == *"messages    2 (records of mgw-recv)"* ]]
  [[ "$output" == *"records     8, malformed lines 1"* ]]
  [[ "$output" == *"1  reject virus"* ]]
  [[ "$output" == *"1  policy.sieve:7"* ]]
  [[ "$output" == *"1  Eicar-Test"* ]]
  [[ "$output" == *"2  bob@example.org"* ]]
  [[ "$output" == *"time        2026-11-24T06:00:00.020000Z to 2026-11-24T06:01:00.030000Z"* ]]
}

@test "report --json says the same to programs" {
  mgw-monitor report --json "$R" >"$T/json"
  python3 - "$T/json" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["messages"] == 2 and r["records"] == 8 and r["malformed"] == 1
assert r["verdicts"] == {"accept": 1, "reject virus": 1}
assert r["auth"]["spf"] == {"pass": 1} and r["scans"] == {"clean": 1, "infected": 1}
assert r["deliveries"] == {"delivered": 1} and r["octets"]["sum"] == 4000
assert abs(r["stages"]["mgw-scan"]["mean_ms"] - 10) < 1e-9
END
}

@test "trace tells in order what happened to one message and which line decided" {
  run mgw-monitor trace "$B" "$R"
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = "$B  from <mallory@example.com> to <bob@example.org>, 3000 octets" ]
  [[ "${lines[1]}" == *mgw-scan*virus=infected* ]]
  [[ "${lines[2]}" == *"verdict=reject class=virus by mgw-filter at policy.sieve:7: Virus found"* ]]
  [[ "${lines[3]}" == *mgw-recv*code=550* ]]
  [ "${lines[4]}" = "  decided: reject class=virus by mgw-filter at policy.sieve:7: Virus found" ]
}

@test "trace puts records of several files in order of time" {
  sed -n '1p;5p' "$R" >"$T/one"; sed -n '2,4p' "$R" >"$T/two"
  run bash -c "mgw-monitor trace $A '$T/one' '$T/two' | grep -o 'mgw-[a-z]*' | tr '\n' ' '"
  [ "$output" = "mgw-auth mgw-scan mgw-filter mgw-recv mgw-send " ]
}

@test "trace of an address tells of each of its messages" {
  run bash -c "mgw-monitor trace BOB@example.org '$R' | grep -c '^01J'"
  [ "$output" -eq 2 ]
  run bash -c "mgw-monitor trace '<mallory@example.com>' <'$R' | grep -c '^01J'"
  [ "$output" -eq 1 ]
}

@test "trace of an address needs a file, and says so" {
  run -65 bash -c "cat '$R' | mgw-monitor trace bob@example.org"
  [[ "$output" == *"cannot be read twice"* ]]
}

@test "trace --json gives the records" {
  run bash -c "mgw-monitor trace --json $A <'$R' | python3 -c 'import json,sys; print(len([json.loads(l) for l in sys.stdin]))'"
  [ "$output" -eq 5 ]
}

@test "trace of what is not there is status 65" {
  run -65 mgw-monitor trace nothing "$R"
  [[ "$output" == *"no record of nothing"* ]]
}

@test "metrics are in the form that Prometheus reads" {
  mgw-monitor metrics "$R" >"$T/metrics"
  grep -qx 'mgw_records_total{tool="mgw-scan"} 2' "$T/metrics"
  grep -qx 'mgw_verdicts_total{verdict="reject virus"} 1' "$T/metrics"
  ! grep -vE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? [0-9.]+)$' "$T/metrics"
}

@test "hostile lines are counted and do no harm" {
  { head -c 1000000 /dev/zero | tr '\0' x; echo
    printf '{"a":"\377\376"}\n{"tool":"mgw-recv","id":"x","from":"\033[31m\342\200"}\n'
    python3 -c 'print("{\"a\":" + "["*10000 + "]"*10000 + "}")'
    head -c 5000 /dev/zero; echo; cat "$R"; printf '{"tool":"mgw-recv"'; } >"$T/bad"
  run mgw-monitor report "$T/bad"
  [ "$status" -eq 0 ]
  [[ "$output" == *"records     10, malformed lines 5"* ]]
  [[ "$output" != *$'\033'* ]]
}

@test "a large file needs little memory" {
  python3 - "$T/large" <<'END'
import sys
with open(sys.argv[1], "w") as f:
    for i in range(150000):
        f.write('{"time":"2026-11-24T06:00:00Z","tool":"mgw-recv","id":"%d","from":"u%d@example.net","to":["r%d@example.org"],"size":%d,"ms":1.5}\n' % (i, i, i % 7, i))
END
  run bash -c "ulimit -v 120000; mgw-monitor report --sandbox=off '$T/large'"
  [ "$status" -eq 0 ]
  [[ "$output" == *"messages    150000"* ]]
  [[ "$output" == *"senders (at most)"* ]]
}

@test "wrong usage and missing files are said" {
  run -64 mgw-monitor
  run -64 mgw-monitor trace
  run -64 mgw-monitor report --nothing
  run -65 mgw-monitor report /nonexistent
  [[ "$output" == *"cannot open /nonexistent"* ]]
}

@test "no records is a short report" {
  run mgw-monitor report </dev/null
  [ "$output" = "no records, 0 malformed lines" ]
}

@test "a full disk is not success" {
  run -75 bash -c "mgw-monitor report '$R' >/dev/full"
}

@test "reads what mgw-send writes" {
  mail one | mgw-send --maildir="$T/M" --from=alice@example.net --to=bob@example.org --log="$T/log"
  run mgw-monitor trace bob@example.org "$T/log"
  [[ "$output" == *"mgw-send"*"answers=250 2.0.0 delivered to"* ]]
}
