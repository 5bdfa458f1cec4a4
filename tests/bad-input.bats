# Every tool, for everything that goes wrong around a message: a clear one-line error, the right status, nothing half-written.
load helper

setup() {
  zone=$MGW_ROOT/share/pipelines/quickstart/zone.db
  echo 'keep;' >"$T/keep.sieve"
  mkdir -p "$T/gnupg" && chmod 700 "$T/gnupg"
  # every filter with the least it needs
  filters=(
    "mgw-auth --dns-zone=$zone"
    "mgw-scan"
    "mgw-filter $T/keep.sieve"
    "mgw-route --relay=[192.0.2.25]:25"
    "mgw-crypt decrypt --homedir=$T/gnupg"
    "mgw-archive tee --archive=$T/archive"
  )
}

# each COMMAND...: runs it for every filter, with $filter set
every_filter() { for filter in "${filters[@]}"; do "$@" || { echo "failed for: $filter"; return 1; }; done; }

empty() {
  status=0; $filter </dev/null >"$T/out" 2>"$T/err" || status=$?
  [ "$status" -eq 75 ] && [ ! -s "$T/out" ] && [ "$(wc -l <"$T/err")" -eq 1 ] && grep -q "^${filter%% *}: no message on standard input" "$T/err"
}
@test "empty input is 75, with one line that says so" { every_filter empty; }

odd() {
  $filter --from=a@example.net --to=b@example.org --block=strip <"$T/odd" >"$T/out" 2>"$T/err" || { cat "$T/err"; return 1; }
  tail -c "$(wc -c <"$T/odd")" "$T/out" | cmp - "$T/odd"
}
@test "odd mail passes unchanged with status 0: no body, no header, NUL, only CRs, CRLF, no last line end" {
  printf 'A: b\n\n' >"$T/odd"; every_filter odd
  printf 'A: b\n' >"$T/odd"; every_filter odd
  printf 'no header at all\nsecond line\n' >"$T/odd"; every_filter odd
  printf '\n' >"$T/odd"; every_filter odd
  printf 'A: b\0c\n\nx\0y\n' >"$T/odd"; every_filter odd
  printf '\r\r\r\r\r' >"$T/odd"; every_filter odd
  printf 'A: b\r\n\r\nx\r\n' >"$T/odd"; every_filter odd
  printf 'A: b\n\nno line end' >"$T/odd"; every_filter odd
  head -c 3000 /dev/urandom >"$T/odd"; every_filter odd
}

@test "odd mail is flagged in the record" {
  printf 'A: b\r\n\r\nx\0y\rz\n' | mgw-route --relay='[192.0.2.25]:25' --to=b@example.org --log="$T/log" >/dev/null
  grep -q '"flags":"bare-cr,bare-lf,nul"' "$T/log"
}

@test "50 MB pass unchanged" {
  { mail big; head -c 38000000 /dev/zero | base64; } >"$T/odd"
  [ "$(wc -c <"$T/odd")" -gt 50000000 ]
  every_filter odd
}

@test "more than the limit passes the annotating tools, and mgw-scan says what it did not scan" {
  { mail big; head -c 60000000 /dev/zero | tr '\0' 'x' | fold -w 76; } >"$T/odd"
  mgw-scan --to=b@example.org <"$T/odd" >"$T/out"
  sed -n '1,/^Mgw-End/p' "$T/out" | grep -a -q '^Mgw-Result: mgw-scan .*virus=unscanned.*why='
}

full() { status=0; $filter --to=b@example.org <"$T/m" >/dev/full 2>"$T/err" || status=$?; [ "$status" -eq 75 ] && [ -s "$T/err" ]; }
@test "a full disk is a temporary failure, not lost mail" { mail x >"$T/m"; every_filter full; }

closed() { mail x >"$T/m"; head -c 3000000 /dev/zero | tr '\0' 'y' >>"$T/m"; status=0; $filter --to=b@example.org <"$T/m" 2>"$T/err" | head -n 1 >/dev/null; [ "${PIPESTATUS[0]}" -eq 75 ]; }
@test "a closed output is a temporary failure" { every_filter closed; }

unknown() { status=0; $filter --no-such-option <"$T/m" >"$T/out" 2>"$T/err" || status=$?; [ "$status" -eq 64 ] && [ ! -s "$T/out" ] && grep -q 'no-such-option' "$T/err" && [ "$(wc -l <"$T/err")" -le 2 ]; }
@test "an unknown option is 64, names it, and says where help is" {
  mail x >"$T/m"
  every_filter unknown
  filters=("mgw-recv" "mgw-send" "mgw-queue list" "mgw-monitor report" "mgw-archive list")
  every_filter unknown
}

missing() { status=0; $filter "$T/no-such-file" >"$T/out" 2>"$T/err" || status=$?; [ "$status" -eq 65 ] && [ ! -s "$T/out" ] && grep -q 'no-such-file' "$T/err"; }
@test "an operand that is not there is 65" { every_filter missing; }

null_sender() { $filter --from= --to=a@b --block=keep <"$T/m" >"$T/out" 2>"$T/err" || { cat "$T/err"; return 1; }; grep -q '^Mgw-From: <>$' "$T/out" && grep -q '^Mgw-To: 1 <a@b>$' "$T/out"; }
@test "--from= --to=a@b is the null sender and one recipient" { mail x >"$T/m"; every_filter null_sender; }

frame() { printf 'MGW1 ID 1\n52 %d\nMgw-Id: ID\nMgw-From: <a@b>\nMgw-To: 1 <b@c>\nMgw-End:\n' "$(wc -c <"$T/m")"; cat "$T/m"; echo "END ID"; }
truncated() {
  frame >"$T/whole"
  for cut in 3 20 60 $(($(wc -c <"$T/whole") - 3)); do
    status=0; { cat "$T/whole"; head -c "$cut" "$T/whole"; } | $filter --input=frames >"$T/out" 2>"$T/err" || status=$?
    [ "$status" -eq 75 ] && [ "$(grep -a -c '^END ID$' "$T/out")" -eq 1 ] && [ -s "$T/err" ] || { echo "cut $cut: status $status"; cat "$T/err"; return 1; }
  done
}
@test "a truncated frame is 75 and nothing of it goes on" { mail x >"$T/m"; every_filter truncated; }

malformed() {
  for bad in 'MGW1 ID\n' 'MGW2 ID 1\n' 'MGW1 ID 0\n' 'MGW1 ID 99999999999999999999\n' 'MGW1 ID 1\n-1 5\n' 'MGW1 ID 1\n5 99999999999999999999999\n' 'garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage\n'; do
    status=0; printf "$bad" | $filter --input=frames >"$T/out" 2>"$T/err" || status=$?
    [ "$status" -eq 75 ] && [ ! -s "$T/out" ] || { echo "$bad: $status"; return 1; }
  done
}
@test "a malformed frame header is 75" { every_filter malformed; }

in_config() {
  tool=${filter%% *}
  printf '[%s]\nno-such-key = 1\n' "$tool" >"$T/config"
  status=0; $filter --config="$T/config" <"$T/m" >"$T/out" 2>"$T/err" || status=$?
  [ "$status" -eq 78 ] && [ ! -s "$T/out" ] && grep -q "config:2: unknown key no-such-key" "$T/err"
}
@test "an unknown key in the configuration file is 78, with file and line" { mail x >"$T/m"; every_filter in_config; }

sandboxed() { $filter --sandbox=require --to=b@example.org <"$T/m" >"$T/out" 2>"$T/err" || { cat "$T/err"; return 1; }; }
@test "every filter works with all of its confinement in force" { mail x >"$T/m"; every_filter sandboxed; }

@test "a message from a pipe that breaks off is the caller's to keep" {
  # procmail's way: the exit status says try again, standard output is empty
  run -75 --separate-stderr mgw-filter "$T/keep.sieve" </dev/null
  [ "$output" = "" ]
}

@test "one message that takes too long is 75, with nothing on standard output" {
  mail x >"$T/m"
  python3 -c 'import socket, time; s = socket.socket(2, 2); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(30)' >"$T/port" 3>&- &
  silent=$!
  wait_for 5 test -s "$T/port"
  run -75 --separate-stderr bash -c "mgw-auth --timeout=1 --dns-server=127.0.0.1:$(cat "$T/port") --dns-timeout=20000 --client-ip=192.0.2.7 --from=a@example.net <'$T/m'"
  kill "$silent"
  [ "$output" = "" ]
  [[ "$stderr" == *"longer than --timeout"* ]]
}
