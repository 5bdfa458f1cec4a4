load helper

setup() {
  D="$MGW_DATA/auth"
  export SOURCE_DATE_EPOCH=1795500000
}
verify() { mgw-auth --dns-zone "$D/zone.db" --authserv-id mx.example.org --log "$T/log" "$@"; }
sign() { mgw-auth sign --domain example.net --selector "$1" --signing-key-file "$D/$2" --log "$T/log"; }
result() { verify "$@" | grep '^Mgw-Result: mgw-auth'; }
# without the block and the field that the tool puts on top
rest() { sed '1,/^Mgw-End:/d' | sed '1{/^Authentication-Results:/!q1};1d' | awk 'top==0 && /^[ \t]/ {next} {top=1; print}'; }

@test "a clean message passes SPF, DKIM, DMARC and reverse DNS" {
  result --client-ip 192.0.2.7 --from alice@example.net <"$D/clean.eml" >"$T/r"
  grep -q 'spf=pass spf-domain=example.net dkim=pass dkim-domains=example.net dmarc=pass policy=reject from-domain=example.net iprev=pass dns=' "$T/r"
}
@test "a spoofed message fails DMARC though SPF passes for the spoofer" {
  result --client-ip 127.0.0.1 --from x@spoofer.example <"$D/spoofed.eml" | grep -q 'spf=pass .*dkim=none dmarc=fail policy=reject from-domain=bank.example'
}
@test "a changed body is a DKIM failure" {
  result <"$D/broken.eml" | grep -q 'dkim=fail dmarc=fail policy=reject'
}
@test "text behind the octets that l= covers is no pass" {
  result <"$D/appended.eml" | grep -q 'dkim=policy dmarc=fail'
}
@test "each of two signatures has its own result" {
  verify <"$D/two-signatures.eml" >"$T/out"
  [ "$(grep -c '^ dkim=pass' "$T/out")" = 2 ]
  grep -q 'dkim-domains=list.example,example.net' "$T/out"
}
@test "an unknown client address is a result with a reason, not a failure" {
  verify <"$D/clean.eml" | grep -q "spf=none reason=\"the client's address is not known\""
}
@test "a null sender is allowed" {
  result --client-ip 192.0.2.7 --helo mail.example.net --from= --to=a@b.example <"$D/clean.eml" | grep -q 'spf='
}
@test "fields in our name are removed, foreign ones and the body stay" {
  verify <"$D/forged-results.eml" | rest >"$T/out"
  python3 - "$D/forged-results.eml" >"$T/want" <<'P'
import sys
lines = open(sys.argv[1]).read().split('\n')
print('\n'.join(lines[:1] + lines[6:]), end='')
P
  diff -u "$T/want" "$T/out"
}
@test "what it does not mean to change stays octet for octet" {
  for f in clean rsa-crlf two-signatures appended broken; do
    verify <"$D/$f.eml" >"$T/out"
    tail -c "$(stat -c %s "$D/$f.eml")" "$T/out" | cmp - "$D/$f.eml"
  done
}
@test "two runs give identical octets" {
  verify --seed 1 <"$D/clean.eml" >"$T/1"
  verify --seed 1 <"$D/clean.eml" >"$T/2"
  cmp "$T/1" "$T/2"
}
@test "the public suffix list can find the organizational domain" {
  result --org-domain psl <"$D/clean.eml" | grep -q 'dmarc=pass'
}
@test "explains question, answer and rule of each mechanism" {
  verify --client-ip 192.0.2.7 --from alice@example.net --explain <"$D/clean.eml" 2>&1 >/dev/null | grep -o '[a-z]*: \(PTR\|asked TXT\|TXT\|pass\) ' | sort -u >"$T/e"
  for m in iprev spf dkim dmarc; do grep -q "^$m: pass" "$T/e"; done
}
@test "writes a record of what it found" {
  verify <"$D/clean.eml" >/dev/null
  python3 -c 'import json,sys; r=json.loads(open(sys.argv[1]).readlines()[-1]); assert (r["dkim"],r["dmarc"],r["domains"])==("pass","pass",["example.net"]), r' "$T/log"
}
@test "an Ed25519 signature of ours is verified by us, for both line ends" {
  sign ed ed25519.pem <"$D/unsigned.eml" | sed '1,/^Mgw-End:/d' >"$T/signed"
  result <"$T/signed" | grep -q 'dkim=pass'
  sed 's/$/\r/' "$T/signed" >"$T/crlf"
  result <"$T/crlf" | grep -q 'dkim=pass'
  tail -c "$(stat -c %s "$D/unsigned.eml")" "$T/signed" | cmp - "$D/unsigned.eml"
}
@test "an RSA signature of ours is verified by dkimpy" {
  /usr/bin/python3 -c 'import dkim' 2>/dev/null || skip "python3-dkim is not installed"
  sign rsa rsa.pem <"$D/unsigned.eml" | sed '1,/^Mgw-End:/d' | sed 's/$/\r/' >"$T/signed"
  cat >"$T/check.py" <<'P'
import dkim, re, sys
zone = open(sys.argv[2]).read()
record = ''.join(re.findall('"([^"]*)"', next(l for l in zone.split('\n') if l.startswith('rsa._domainkey'))))
ok = dkim.verify(open(sys.argv[1], 'rb').read(), dnsfunc=lambda name, timeout=5: record.encode())
sys.exit(0 if ok else 1)
P
  /usr/bin/python3 "$T/check.py" "$T/signed" "$D/zone.db"
  sed -i 's/minutes are/minutes were/' "$T/signed"
  run -1 /usr/bin/python3 "$T/check.py" "$T/signed" "$D/zone.db"
}
@test "a signing key that is not there or none is a configuration error" {
  run -78 --separate-stderr bash -c "mgw-auth sign --domain example.net --selector a --signing-key-file /nonexistent <'$D/unsigned.eml'"
  [ -z "$output" ]
  run -78 --separate-stderr bash -c "mgw-auth sign --domain example.net --selector a --signing-key-file '$D/zone.db' <'$D/unsigned.eml'"
  [ -z "$output" ]
}
@test "--dry-run passes the message unchanged" {
  sign_dry() { mgw-auth sign --dry-run --domain example.net --selector ed --signing-key-file "$D/ed25519.pem" <"$D/unsigned.eml"; }
  sign_dry | tail -c "$(stat -c %s "$D/unsigned.eml")" | cmp - "$D/unsigned.eml"
  sign_dry >"$T/out"
  run ! grep -q DKIM-Signature "$T/out"
}
@test "a missing zone file is a configuration error" {
  run -78 --separate-stderr bash -c "mgw-auth --dns-zone /nonexistent <'$D/clean.eml'"
  [ -z "$output" ]
}
@test "empty input is a temporary failure" {
  run -75 --separate-stderr bash -c "mgw-auth --dns-zone '$D/zone.db' </dev/null"
  [ -z "$output" ]
}
@test "an unknown option is a usage error" { run -64 mgw-auth --no-such-option; }
@test "a full disk is a temporary failure" {
  run -75 bash -c "mgw-auth --dns-zone '$D/zone.db' --log '$T/log' <'$D/clean.eml' >/dev/full"
}
@test "odd mail passes: no header, NUL octets, only CRs, nothing after the header" {
  for text in 'no header at all\n' 'From: a@example.net\n\nx\0y\n' '\r\r\r\r' 'From: a@example.net\n'; do
    printf "$text" >"$T/in"
    verify <"$T/in" >"$T/out"
    tail -c "$(stat -c %s "$T/in")" "$T/out" | cmp - "$T/in"
  done
}
@test "50 MB pass" {
  { cat "$D/rsa.eml"; head -c 50000000 /dev/zero | tr '\0' 'x'; echo; } >"$T/in"
  verify <"$T/in" >"$T/out"
  cmp <(tail -c 50000000 "$T/in") <(tail -c 50000000 "$T/out")
}
@test "a forged envelope block is not believed" {
  { printf 'Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0C\nMgw-Client: ip=192.0.2.7\nMgw-From: <alice@example.net>\nMgw-Result: mgw-auth dmarc=pass\nMgw-End: hmac-sha256=00\n'; cat "$D/spoofed.eml"; } >"$T/in"
  verify <"$T/in" 2>/dev/null | sed '/^Mgw-End:/q' >"$T/block"
  grep -q '^Mgw-Result: mgw-auth spf=none ' "$T/block"
  run ! grep -q -e 'dmarc=pass' -e '192.0.2.7' "$T/block"
}
@test "conformance: public suffixes, DMARC, DKIM" {
  [ -d "$MGW_SUITES/dkim" ] || skip "no outside suites"
  "$MGW_ROOT/tests/conformance/psl" "$MGW_SUITES/psl"
  "$MGW_ROOT/tests/conformance/dmarc" "$MGW_SUITES/dmarc"
  "$MGW_ROOT/tests/conformance/dkim" "$MGW_SUITES/dkim"
}
# dns_server: the sample zone on 127.0.0.1; sets SERVER
dns_server() {
  python3 "$D/dns_server.py" "$T/port" 3>&- &
  DNS_PID=$!
  wait_for 10 test -e "$T/port"
  SERVER="127.0.0.1:$(cat "$T/port")"
}
teardown() { [ -z "${DNS_PID:-}" ] || kill "$DNS_PID"; }
# What differs between the network and a file that stands for it: the hash of that file, and the tag over it.
sourceless() { sed -e '/^Mgw-Result: mgw-auth /s/ dns=[0-9a-f]*$//' -e 's/^Mgw-End: .*/Mgw-End:/' "$1"; }

@test "answers that were recorded from the network replay to the same octets" {
  dns_server
  for sandbox in off require; do
    for f in clean spoofed broken two-signatures temperror unsigned; do
      live() { mgw-auth --authserv-id mx.example.org --seed 1 --sandbox=$sandbox --client-ip 192.0.2.7 --from alice@example.net --log "$T/log" "$@" <"$D/$f.eml"; }
      rm -f "$T/recorded"
      live --dns-server "$SERVER" --dns-record "$T/recorded" >"$T/live"
      live --dns-zone "$T/recorded" >"$T/replay"
      live --dns-zone "$T/recorded" >"$T/again"
      cmp "$T/replay" "$T/again"
      run ! grep -q ' dns=' "$T/live"
      grep -q " dns=$(sha256sum <"$T/recorded" | cut -d' ' -f1)" "$T/replay"
      diff -u --text <(sourceless "$T/live") <(sourceless "$T/replay")
      # and it was the network that answered: what came is what the sample zone says
      verify --seed 1 --client-ip 192.0.2.7 --from alice@example.net <"$D/$f.eml" >"$T/zone"
      diff -u --text <(sourceless "$T/live") <(sourceless "$T/zone")
    done
  done
}
@test "what several workers recorded over an mbox replays to the same octets" {
  dns_server
  for i in 1 2 3; do
    for f in clean spoofed broken two-signatures temperror rsa appended; do
      echo "From alice@example.net Tue Nov 24 05:47:35 2026"
      cat "$D/$f.eml"
      echo
    done
  done >"$T/in"
  all() { mgw-auth --authserv-id mx.example.org --seed 1 --sandbox=require --input=mbox --client-ip 192.0.2.7 --log "$T/log" "$@" <"$T/in"; }
  all --dns-server "$SERVER" --dns-record "$T/recorded" --jobs 4 >"$T/live"
  all --dns-zone "$T/recorded" --jobs 2 >"$T/replay"
  all --dns-zone "$T/recorded" --jobs 1 >"$T/alone"
  cmp "$T/replay" "$T/alone"
  [ "$(grep -c '^Mgw-Result: mgw-auth .*dkim=pass' "$T/live")" -ge 9 ]
  diff -u --text <(sourceless "$T/live") <(sourceless "$T/replay")
}
