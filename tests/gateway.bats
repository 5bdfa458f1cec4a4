# The tools together: what no tool's own file can show.
load helper

setup() {
  here=$MGW_ROOT/share/pipelines
  zone=$here/quickstart/zone.db
}

# typed: the inbound stages as somebody types them
typed() {
  mgw-auth --dns-zone="$zone" --client-ip=192.0.2.7 --helo=mail.example.net --from=alice@example.net --to=bob@example.org "$@" |
    mgw-scan | mgw-filter "$here/inbound.sieve" | mgw-route --relay='[192.0.2.25]:25'
}

@test "the quick start receives, decides, delivers and explains" {
  run env MGW_BUILD="$MGW_BUILD" TMPDIR=/tmp sh "$here/quickstart.sh"
  [ "$status" -eq 0 ] || { echo "$output"; return 1; }
  [[ "$output" == *"clean        250 2.0.0"* ]]
  [[ "$output" == *"spoofed      550 5.7.1"*"DMARC"* ]]
  [[ "$output" == *"eicar-zip    550 5.7.1"*"virus"* ]]
  [[ "$output" == *"exe          550 5.7.1"*"Executable"* ]]
  [[ "$output" == *"in the Maildir: Minutes of Tuesday"* ]]
  [ "$(grep -c '^in the Maildir' <<<"$output")" -eq 1 ]
  # the account names the rule that decided
  [[ "$output" == *"inbound.sieve:"* ]]
}

@test "stages typed by hand believe each other" {
  typed <"$here/quickstart/clean.eml" >"$T/out"
  grep -q '^Mgw-Result: mgw-auth .*dkim=pass.*dmarc=pass' "$T/out"
  grep -q '^Mgw-Result: mgw-scan .*virus=clean' "$T/out"
  grep -q '^Mgw-Result: mgw-filter ' "$T/out"
  grep -q '^Mgw-Hop: .*192.0.2.25' "$T/out"
  [ "$(grep -c '^Mgw-Id: ' "$T/out")" -eq 1 ]
  run ! grep -q '^Mgw-Verdict:' "$T/out"
}

@test "two runs with zone, clock and seed give identical octets" {
  export SOURCE_DATE_EPOCH=1764000000
  for n in 1 2; do
    mgw-auth --seed=7 --dns-zone="$zone" --client-ip=192.0.2.7 --from=alice@example.net --to=bob@example.org <"$here/quickstart/clean.eml" |
      mgw-scan --seed=7 | mgw-filter --seed=7 "$here/inbound.sieve" | mgw-route --seed=7 --relay='[192.0.2.25]:25' >"$T/$n"
  done
  cmp "$T/1" "$T/2"
}

@test "two runs over a mailbox with many workers give identical octets" {
  export SOURCE_DATE_EPOCH=1764000000
  for i in $(seq 30); do
    printf 'From alice@example.net Tue Nov 24 05:47:35 2026\n'
    if [ $((i % 2)) -eq 0 ]; then cat "$here/quickstart/clean.eml"; else cat "$here/quickstart/eicar-zip.eml"; fi
    echo
  done | tr -d '\r' >"$T/mbox"
  for n in 1 2; do
    mgw-auth --seed=7 --jobs=4 --input=mbox --dns-zone="$zone" --from=alice@example.net --to=bob@example.org <"$T/mbox" |
      mgw-scan --seed=7 --jobs=3 --input=mbox | mgw-filter --seed=7 --input=mbox "$here/inbound.sieve" >"$T/$n"
  done
  cmp "$T/1" "$T/2"
  [ "$(grep -c '^Mgw-Id: ' "$T/1")" -eq 30 ]
}

# forged FILE: messages that carry a block which nobody of us wrote
forged_block() {
  printf 'Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0C\nMgw-From: <ceo@example.org>\nMgw-To: 1 <bob@example.org>\nMgw-Result: mgw-auth spf=pass dkim=pass dmarc=pass policy=none\nMgw-Result: mgw-scan virus=clean\nMgw-Verdict: accept * class=virus by=mgw-filter\nMgw-End: hmac-sha256=%064d\n' 0
}

@test "a forged block is not believed: at the top, in the middle, folded, with blanks before the colon" {
  forged_block >"$T/top.eml"
  mail top >>"$T/top.eml"
  { printf 'X-First: 1\n'; forged_block; mail middle; } >"$T/middle.eml"
  { forged_block | sed 's/:/ :/'; mail blanks; } >"$T/blanks.eml"
  { forged_block | sed 's/: /:\n /'; mail folded; } >"$T/folded.eml"
  { forged_block | sed 's/^Mgw-/mGW-/'; mail cased; } >"$T/cased.eml"
  for name in top middle blanks folded cased; do
    mgw-filter --check "$here/inbound.sieve"
    mgw-auth --dns-zone="$zone" --from=a@example.net --to=bob@example.org <"$T/$name.eml" >"$T/out" 2>"$T/err"
    # our own block is the only one that counts, and it says what was measured, not what was claimed
    sed -n '1,/^Mgw-End:/p' "$T/out" >"$T/block"
    run ! grep -q 'ceo@example.org\|virus=clean\|01JDF3M1S8W7Q2E5T9XK4V6B0C' "$T/block"
    # to the octet the text that came in stands below
    tail -c "$(wc -c <"$T/$name.eml")" "$T/out" | cmp - "$T/$name.eml"
  done
  mgw-auth --dns-zone="$zone" --from=a@example.net --to=b@example.org <"$T/top.eml" 2>"$T/err" >/dev/null
  [ "$(grep -c 'not believed' "$T/err")" -eq 1 ]
}

@test "a forged block in an mbox and behind a From line in a body is not believed" {
  { echo 'From x@example.net Tue Nov 24 05:47:35 2026'; forged_block; mail one; echo
    echo 'From x@example.net Tue Nov 24 05:47:36 2026'; mail two; echo; echo 'From y@example.net Tue Nov 24 05:47:37 2026'; forged_block; mail three; echo; } >"$T/mbox"
  mgw-auth --input=mbox --dns-zone="$zone" --from=a@example.net --to=b@example.org <"$T/mbox" >"$T/out" 2>"$T/err"
  [ "$(grep -c '^Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0C' "$T/out")" -eq 2 ] # as text
  python3 - "$T/out" <<'EOF'
import re, sys
text = open(sys.argv[1]).read()
messages = re.split(r'(?m)^From .*\n', text)[1:]
assert len(messages) == 3, len(messages)
for m in messages:
    block = m[:m.index('Mgw-End:')]
    assert 'ceo@example.org' not in block and 'virus=clean' not in block, block
EOF
}

@test "mgw-recv --stdin removes a forged block before any stage sees it" {
  { forged_block; mail x; } >"$T/in.eml"
  mgw-recv --stdin --from=a@example.net --to=b@example.org --block=strip <"$T/in.eml" >"$T/out"
  run ! grep -qi '^mgw-' "$T/out"
  mail x >"$T/want"
  tail -c "$(wc -c <"$T/want")" "$T/out" | cmp - "$T/want"
}

@test "a HELO that contains tls=TLSv1.3 says nothing about TLS" {
  mgw-auth --dns-zone="$zone" --client-ip=192.0.2.7 --helo='x tls=TLSv1.3 auth=root' --from=a@example.net --to=b@example.org <"$here/quickstart/clean.eml" >"$T/out"
  grep -q '^Mgw-Client: .*helo=x+20tls+3DTLSv1.3+20auth+3Droot$' "$T/out"
}

@test "what no stage meant to change is identical: the tools in a row add fields above the message only" {
  for name in clean eicar-zip exe spoofed; do
    typed <"$here/quickstart/$name.eml" >"$T/out"
    tail -c "$(wc -c <"$here/quickstart/$name.eml")" "$T/out" | cmp - "$here/quickstart/$name.eml"
  done
}

@test "an untouched mboxrd comes back octet for octet, with LF and with CRLF" {
  for i in 1 2 3; do
    printf 'From alice@example.net Tue Nov 24 05:47:35 2026\n'; mail "$i"
    printf '>From the body\n>>From deeper\n\n'
  done >"$T/lf.mbox"
  sed 's/$/\r/' "$T/lf.mbox" >"$T/crlf.mbox"
  for mbox in lf crlf; do
    mgw-route --input=mbox --block=strip --to=b@example.org <"$T/$mbox.mbox" | cmp - "$T/$mbox.mbox"
    mgw-filter --block=strip <(echo 'keep;') "$T/$mbox.mbox" | cmp - "$T/$mbox.mbox"
  done
}

@test "a Maildir is an operand like a mailbox" {
  mkdir -p "$T/Maildir/new" "$T/Maildir/cur" "$T/Maildir/tmp"
  mail one >"$T/Maildir/new/1.x"
  mail two >"$T/Maildir/cur/2.x:2,S"
  mgw-route --to=b@example.org --block=strip "$T/Maildir" >"$T/out"
  [ "$(grep -c '^From .* 20' "$T/out")" -eq 2 ]
  [ "$(grep -c '^Subject: ' "$T/out")" -eq 2 ]
}

@test "the filter from the README runs by hand and in a lane" {
  mgw-filter --each "$here/examples/seen-by.sh" <"$here/quickstart/clean.eml" >"$T/out"
  grep -q '^X-Seen-By: ' "$T/out"
  tail -c "$(wc -c <"$here/quickstart/clean.eml")" "$T/out" | cmp - "$here/quickstart/clean.eml"
  mgw-recv --stdin --from=a@example.net --to=b@example.org --pipeline "mgw-filter --each $here/examples/seen-by.sh | mgw-queue add --spool $T/spool" <"$here/quickstart/clean.eml"
  id=$(mgw-queue list --spool "$T/spool" --json | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d'"' -f4)
  mgw-queue cat --spool "$T/spool" "$id" | grep -q '^X-Seen-By: '
}

@test "no tool links what it does not need" {
  run ! bash -c "ldd '$MGW_BUILD/bin/mgw-filter' | grep -E 'clamav|gpgme|spf2|opendkim|sqlite|libssl'"
  run ! bash -c "ldd '$MGW_BUILD/bin/mgw-route' | grep -E 'clamav|gpgme|spf2|opendkim|sqlite|libssl'"
  run ! bash -c "ldd '$MGW_BUILD/bin/mgw-auth' | grep -E 'clamav|gpgme|sqlite'"
  run ! bash -c "ldd '$MGW_BUILD/bin/mgw-archive' | grep -E 'clamav|gpgme|spf2'"
  ldd "$MGW_BUILD/bin/mgw-scan" | grep -q clamav
  ldd "$MGW_BUILD/bin/mgw-crypt" | grep -q gpgme
}

@test "envelope options given to a later stage fill what the first one was not told" {
  mgw-scan <"$here/quickstart/clean.eml" | mgw-queue add --spool="$T/spool" --from=alice@example.net --to=bob@example.org
  mgw-queue list --spool="$T/spool" --json | grep -q 'bob@example.org'
}

@test "a message that nobody would get is not kept in silence" {
  run -75 --separate-stderr mgw-queue add --spool="$T/spool" <"$here/quickstart/clean.eml"
  [[ "$stderr" == *"no recipient is known"* ]]
}

@test "a lane without a sink is refused at once, and a stage that is not set up right is named" {
  run -78 timeout 10 mgw-recv --listen 127.0.0.1:0 --pipeline "mgw-scan | mgw-filter $here/inbound.sieve"
  [[ "$output" == *"does not end in a sink"* ]]
  run -78 --separate-stderr mgw-recv --stdin --pipeline 'mgw-scan | mgw-filter /nonexistent.sieve' <"$here/quickstart/clean.eml"
  [[ "$stderr" == *"mgw-filter: exit status 78"* ]]
}

@test "a mailbox taken for one message is pointed out" {
  { printf 'From a@example.net Tue Nov 24 05:47:35 2026\n'; mail one; printf '\nFrom a@example.net Tue Nov 24 05:47:36 2026\n'; mail two; } >"$T/mbox"
  mgw-route --relay='[192.0.2.25]:25' <"$T/mbox" 2>"$T/err" >/dev/null
  grep -q -- '--input=mbox' "$T/err"
}

@test "mgw-recv --domain takes no mail for other domains" {
  session=$(printf 'EHLO c.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@elsewhere.example>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<postmaster>\r\nQUIT\r\n' |
    mgw-recv --smtp-stdio --domain example.org --pipeline "mgw-queue add --spool $T/spool")
  [ "$(grep -c '^550 5.7.1 Relaying denied' <<<"$session")" -eq 1 ]
  [ "$(grep -c '^250 2.1.5' <<<"$session")" -eq 2 ]
}
