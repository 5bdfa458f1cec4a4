load helper

Q="$MGW_ROOT/share/pipelines/quickstart"
S="$MGW_DATA/scan"

# has FILE TEXT: the result line holds it
has() { grep -aq "^Mgw-Result: mgw-scan .*$2" "$1" || { head -20 "$1"; return 1; }; }

# frame ID FILE: the message in a frame of its own
frame() {
  printf 'Mgw-Id: %s\nMgw-From: <a@example.net>\nMgw-To: 1 <b@example.org>\nMgw-End:\n' "$1" >"$T/block"
  printf 'MGW1 %s 1\n%s %s\n' "$1" "$(wc -c <"$T/block")" "$(wc -c <"$2")"
  cat "$T/block" "$2"
  printf 'END %s\n' "$1"
}
# answered ID TEXT: the frame's lines before the message hold it
answered() { sed -n "/^MGW1 $1 /,/^Mgw-End:/p" "$T/out" | grep -aq "$2" || { sed -n "/^MGW1 $1 /,/^Mgw-End:/p" "$T/out"; return 1; }; }

# hostile WHAT: "$T/WHAT.eml", over which the scanner crashes, hangs or reaches out. Sets PRELOAD.
hostile() {
  command -v cc >/dev/null || skip "no C compiler"
  ! grep -aq __asan_init "$MGW_BUILD/bin/mgw-scan" || skip "the sanitizer must be loaded first"
  PRELOAD="$T/hostile.so"
  [ -e "$PRELOAD" ] || cc -shared -fPIC -O1 -o "$PRELOAD" "$S/hostile.c" -ldl
  sed "s/^Start the attached/HOSTILE-${1^^} &/" "$Q/exe.eml" >"$T/$1.eml"
  grep -q HOSTILE- "$T/$1.eml"
}

@test "finds EICAR inside a zip attachment" {
  mgw-scan <"$Q/eicar-zip.eml" >"$T/out"
  has "$T/out" "virus=infected virus-name=Eicar-Test-Signature"
  has "$T/out" "file.1=invoice.zip"
  has "$T/out" "member.1.1=invoice.com"
}

@test "scans and names what Outlook wrapped into winmail.dat" {
  mgw-scan <"$S/winmail.eml" >"$T/out"
  has "$T/out" "virus=infected virus-name=Eicar-Test-Signature"
  has "$T/out" "file.1=winmail.dat"
  has "$T/out" "member.1.1=a+20rather+20long+20invoice.com"
  has "$T/out" "member.1.2=INVOIC~1.COM"
  mgw-scan --explain <"$S/winmail.eml" 2>&1 >"$T/out" | grep -F "attachment a rather long invoice.com"
}

@test "a winmail.dat with more attachments than the limit admits is not silently clean" {
  printf '[limits]\narchive-entries = 1\n' >"$T/mgw.toml"
  printf 'Subject: x\nContent-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n%s\n' \
    eJ8+IgEAAgKQBgAOAAAAAAAAAAAAAAAAAAAAAAAAAAICkAYADgAAAAAAAAAAAAAAAAAAAAAAAAA= >"$T/m"
  mgw-scan <"$T/m" >"$T/out"
  has "$T/out" "virus=clean"
  mgw-scan --config="$T/mgw.toml" <"$T/m" >"$T/out"
  has "$T/out" "virus=unscanned why=limit:files"
}

@test "names what is attached to a message that is attached as a file" {
  { printf 'From: a@example.net\nContent-Type: application/octet-stream; name=letter.eml\nContent-Transfer-Encoding: base64\n\n'
    base64 "$Q/exe.eml"; } >"$T/in"
  mgw-scan --database=none <"$T/in" >"$T/out"
  has "$T/out" "file.1=letter.eml"
  has "$T/out" "member.1.1=viewer.exe"
}

@test "names a program and its true type" {
  mgw-scan <"$Q/exe.eml" >"$T/out"
  has "$T/out" "virus=clean"
  has "$T/out" "file.1=viewer.exe type.1=application/octet-stream true.1=application/vnd.microsoft.portable-executable"
}

@test "flags a program that is declared and named as something else" {
  mgw-scan <"$S/names.eml" >"$T/out"
  has "$T/out" "file.2=photo.jpg"
  has "$T/out" "true.2=application/vnd.microsoft.portable-executable"
}

@test "an encrypted archive is not scanned, and says so" {
  mgw-scan <"$S/encrypted-zip.eml" >"$T/out"
  has "$T/out" "virus=unscanned why=encrypted"
  has "$T/out" "flags=[^ ]*archive-encrypted"
}

@test "a virus beside an encrypted archive is found all the same" {
  mgw-scan <"$S/encrypted-then-eicar.eml" >"$T/out"
  has "$T/out" "virus=infected"
}

@test "a zip bomb is a limit, soon" {
  BATS_TEST_TIMEOUT=20
  for bomb in zip-bomb zip-bomb-lies; do
    mgw-scan --file-limit=10M --total-limit=20M <"$S/$bomb.eml" >"$T/out"
    has "$T/out" "virus=unscanned why=limit:"
  done
}

@test "a zip file that shows different names to different programs is flagged" {
  mgw-scan <"$S/names-differ.eml" >"$T/out"
  has "$T/out" "flags=[^ ]*archive-names-differ"
  has "$T/out" "setup.exe"
  has "$T/out" "notes.exe"
}

@test "changes nothing of the message" {
  for message in "$Q"/eicar-zip.eml "$Q"/exe.eml "$S"/*.eml; do
    mgw-scan <"$message" | unstamped >"$T/out"
    cmp "$message" "$T/out"
  done
}

@test "without signatures says so and still names files" {
  mgw-scan --database=none <"$Q/exe.eml" >"$T/out"
  has "$T/out" "virus=unscanned why=no-database"
  has "$T/out" "file.1=viewer.exe"
}

@test "a database that is not there is a configuration error before anything is read" {
  run -78 --separate-stderr mgw-scan --database=/nonexistent/clamav <"$Q/exe.eml"
  assert_empty_output
  [[ "$stderr" == *"/nonexistent/clamav"* ]]
}
assert_empty_output() { [ -z "$output" ]; }

@test "a size that is none is wrong usage" {
  run -64 mgw-scan --file-limit=large <"$Q/exe.eml"
}

@test "a message beyond the limit is too large, and passes" {
  { mail big; head -c 3000000 /dev/zero | tr '\0' 'x' | fold -w 76; } >"$T/in"
  mgw-scan --file-limit=1M <"$T/in" >"$T/out"
  has "$T/out" "virus=unscanned why=too-large"
  unstamped <"$T/out" | cmp - "$T/in"
}

@test "a part whose header is beyond the limit is not called clean" {
  { printf 'From: a@example.net\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX-Long: y'
    for _ in $(seq 4000); do printf '\n %070d' 0; done
    printf '\nContent-Disposition: attachment; filename=setup.exe\n\nx\n--b--\n'; } >"$T/in"
  mgw-scan <"$T/in" >"$T/out"
  has "$T/out" "virus=unscanned why=limit:header"
  has "$T/out" "flags=[^ ]*header-too-large"
}

@test "adds X-Virus-Status when asked, and leaves foreign ones unless told otherwise" {
  { echo "X-Virus-Status: Clean"; cat "$Q/eicar-zip.eml"; } >"$T/in"
  mgw-scan --scan-headers <"$T/in" | unstamped >"$T/out"
  [ "$(grep -ci '^X-Virus-Status:' "$T/out")" = 2 ]
  head -1 "$T/out" | grep -q '^X-Virus-Status: Infected (Eicar-Test-Signature'
  mgw-scan --scan-headers --replace-fields <"$T/in" | unstamped >"$T/out"
  [ "$(grep -ci '^X-Virus-Status:' "$T/out")" = 1 ]
}

# hidden: a message in "$T/in" whose attachment only a lenient reading shows
hidden() {
  { printf 'From: a@example.net\nTo: b@example.org\nSubject: x\nContent-Type: multipart/mixed\n\n'
    printf -- '--b\n\nhello\n--b\nContent-Type: application/x-thing\nContent-Disposition: attachment; filename="invoice.zip"\n'
    printf 'Content-Transfer-Encoding: xbase64\n\n'
    sed -n '/^UEsDB/,/^$/p' "$Q/eicar-zip.eml" | tr -d '\r' | sed '/^--/,$d'
    printf -- '--b--\n'; } | sed 's/$/\r/' >"$T/in"
}

@test "finds what only a lenient reading shows, and says so" {
  hidden
  mgw-scan --explain <"$T/in" >"$T/out" 2>"$T/err"
  has "$T/out" "virus=infected"
  has "$T/out" "flags=no-boundary"
  has "$T/out" "file.1=invoice.zip type.1=application/x-thing true.1=application/zip part.1=[0-9]*-[0-9]* reading.1=lenient"
  has "$T/out" "readings=[1-9]"
  grep -q 'lenient reading of [0-9-]*: .invoice.zip., declared application/x-thing, is application/zip' "$T/err"
  unstamped <"$T/out" | cmp - "$T/in"
}

@test "tells others of ambiguity in a field, and removes those that were forged" {
  hidden
  { printf 'MIME-Ambiguity-Results: (x) MX.example.org;\r\n result=none\r\nMIME-Ambiguity-Results: other.example; result=none\r\n'; cat "$T/in"; } >"$T/forged"
  mgw-scan --ambiguity-results=mx.example.org <"$T/forged" | unstamped | tr -d '\r' | sed ':a;N;$!ba;s/\n / /g' >"$T/out"
  grep -aq '^MIME-Ambiguity-Results: mx.example.org; result=ambiguous; flags=no-boundary' "$T/out"
  grep -aq '^MIME-Ambiguity-Results: other.example; result=none' "$T/out"
  [ "$(grep -aci '^MIME-Ambiguity-Results:' "$T/out")" = 2 ]
  mail plain >"$T/plain"
  mgw-scan --ambiguity-results=mx.example.org <"$T/plain" | unstamped | head -1 | grep -q '^MIME-Ambiguity-Results: mx.example.org; result=none'
  run -64 mgw-scan --ambiguity-results='a; b' <"$T/plain"
}

@test "explains what was scanned" {
  mgw-scan --explain <"$Q/eicar-zip.eml" 2>"$T/err" >/dev/null
  grep -q 'message: [0-9]* octets' "$T/err"
  grep -q 'result: Infected' "$T/err"
}

@test "works confined" {
  mgw-scan --sandbox=require <"$Q/eicar-zip.eml" >"$T/out"
  has "$T/out" "virus=infected"
  mgw-scan --sandbox=require <"$S/nested-6.eml" >"$T/out"
  has "$T/out" "virus=infected"
}

@test "leaves no private folder behind, not even when killed" {
  mkdir "$T/tmp"
  mgw-scan --tmp-dir="$T/tmp" <"$Q/exe.eml" >/dev/null
  wait_for 5 rmdir "$T/tmp"
  mkdir "$T/tmp" "$T/kept"
  mkfifo "$T/fifo"
  mgw-scan --tmp-dir="$T/tmp" <"$T/fifo" >/dev/null 3>&- &
  pid=$!
  exec 7>"$T/fifo"
  # at the first sight of the folder: no moment is too early
  wait_for 10 sh -c "ls -A '$T/tmp' | grep -q ."
  kill -9 "$pid"
  exec 7>&-
  wait_for 5 rmdir "$T/tmp"
}

@test "odd mail passes: no header, NUL octets, only CR, 8-bit names" {
  printf 'no header at all\n' >"$T/1"
  printf 'A: b\n\nx\0y\n' >"$T/2"
  printf '\r\r\r\r' >"$T/3"
  printf 'A: b\nContent-Type: application/x; name="\377\376"\n\nx\n' >"$T/4"
  for i in 1 2 3 4; do
    mgw-scan <"$T/$i" | unstamped >"$T/out"
    cmp "$T/$i" "$T/out"
  done
}

@test "empty input is a temporary failure" {
  run -75 mgw-scan </dev/null
}

@test "a full disk is a temporary failure" {
  run -75 bash -c "mgw-scan <'$Q/exe.eml' >/dev/full"
}

@test "the same message gives the same octets twice" {
  for i in 1 2; do SOURCE_DATE_EPOCH=1764000000 mgw-scan --seed=1 <"$Q/eicar-zip.eml" >"$T/$i"; done
  cmp "$T/1" "$T/2"
}

@test "several workers share signatures that were loaded once" {
  for i in 1 2 3 4 5 6; do
    frame "A$i" "$Q/exe.eml"
    frame "B$i" "$Q/eicar-zip.eml"
  done >"$T/in"
  mkdir "$T/tmp"
  mgw-scan --input=frames --jobs=3 --sandbox=require --tmp-dir="$T/tmp" --explain <"$T/in" >"$T/out" 2>"$T/err"
  [ "$(grep -c ': loaded [0-9]* signatures' "$T/err")" = 1 ]
  [ "$(grep -ac '^END ' "$T/out")" = 12 ]
  for i in 1 2 3 4 5 6; do
    answered "A$i" 'virus=clean'
    answered "B$i" 'virus=infected'
  done
  wait_for 5 rmdir "$T/tmp"
}

@test "an mbox comes out in its order, whichever worker is ready first" {
  for f in "$S/zip-bomb.eml" "$Q/eicar-zip.eml" "$Q/exe.eml" "$Q/eicar-zip.eml"; do
    echo 'From a@example.net Tue Nov 24 05:47:35 2026'
    cat "$f"
    echo
  done >"$T/in"
  mkdir "$T/tmp"
  mgw-scan --input=mbox --jobs=3 --file-limit=10M --tmp-dir="$T/tmp" <"$T/in" >"$T/out"
  [ "$(grep -ao '^Mgw-Result: mgw-scan virus=[a-z]*' "$T/out" | sed 's/.*=//' | xargs)" = "unscanned infected clean infected" ]
  sed '/^Mgw-/d' "$T/out" | cmp - "$T/in"
  wait_for 5 rmdir "$T/tmp"
}

@test "a message over which the scanner crashes is deferred, the others are scanned" {
  hostile crash
  { frame A1 "$Q/exe.eml"; frame X "$T/crash.eml"; frame B1 "$Q/eicar-zip.eml"; frame A2 "$Q/exe.eml"; } >"$T/in"
  mkdir "$T/tmp"
  LD_PRELOAD="$PRELOAD" mgw-scan --input=frames --jobs=2 --sandbox=require --tmp-dir="$T/tmp" <"$T/in" >"$T/out" 2>"$T/err"
  answered X 'Mgw-Verdict: defer .* class=error .*killed by signal 11'
  answered X 'Mgw-Result: mgw-scan .*deaths=2'
  answered A1 'virus=clean'
  answered A2 'virus=clean'
  answered B1 'virus=infected'
  grep -q 'killed by signal 11' "$T/err"
  wait_for 5 rmdir "$T/tmp"
}

@test "in an mbox the message that crashes the scanner stays in its place, with a verdict, and the status is 75" {
  hostile crash
  for f in "$Q/exe.eml" "$T/crash.eml" "$Q/eicar-zip.eml"; do
    echo 'From a@example.net Tue Nov 24 05:47:35 2026'
    cat "$f"
    echo
  done >"$T/in"
  mkdir "$T/tmp"
  LD_PRELOAD="$PRELOAD" run -75 --separate-stderr bash -c "mgw-scan --input=mbox --jobs=2 --tmp-dir='$T/tmp' <'$T/in' >'$T/out'"
  [ "$(grep -ao '^Mgw-Result: mgw-scan [a-z]*=[a-z]*' "$T/out" | sed 's/.* //' | xargs)" = "virus=clean error=killed virus=infected" ]
  sed '/^Mgw-/d' "$T/out" | cmp - "$T/in"
  wait_for 5 rmdir "$T/tmp"
}

@test "one message that crashes the scanner leaves no output and no folder" {
  hostile crash
  mkdir "$T/tmp"
  run -139 --separate-stderr bash -c "LD_PRELOAD='$PRELOAD' mgw-scan --tmp-dir='$T/tmp' <'$T/crash.eml'"
  [ -z "$output" ]
  wait_for 5 rmdir "$T/tmp"
}

@test "a scan that hangs is ended and deferred, the others are scanned" {
  hostile hang
  { frame A1 "$Q/exe.eml"; frame X "$T/hang.eml"; frame B1 "$Q/eicar-zip.eml"; } >"$T/in"
  mkdir "$T/tmp"
  LD_PRELOAD="$PRELOAD" mgw-scan --input=frames --jobs=2 --timeout=2 --tmp-dir="$T/tmp" <"$T/in" >"$T/out" 2>"$T/err"
  answered X 'Mgw-Verdict: defer .* class=error .*took longer than 2 s'
  answered A1 'virus=clean'
  answered B1 'virus=infected'
  wait_for 5 rmdir "$T/tmp"
}

@test "workers that are killed from outside are replaced and nothing is lost" {
  mkdir "$T/tmp"
  mkfifo "$T/fifo"
  frame A1 "$Q/exe.eml" >"$T/first"
  { frame A2 "$Q/exe.eml"; frame B1 "$Q/eicar-zip.eml"; frame B2 "$Q/eicar-zip.eml"; } >"$T/rest"
  mgw-scan --input=frames --jobs=2 --tmp-dir="$T/tmp" <"$T/fifo" >"$T/out" 2>"$T/err" 3>&- &
  pid=$!
  exec 7>"$T/fifo"
  cat "$T/first" >&7
  wait_for 20 grep -aq '^END A1' "$T/out"
  for worker in $(cat "/proc/$pid/task/$pid/children"); do kill -9 "$worker"; done
  cat "$T/rest" >&7
  exec 7>&-
  wait "$pid"
  answered A2 'virus=clean'
  answered B1 'virus=infected'
  answered B2 'virus=infected'
  wait_for 5 rmdir "$T/tmp"
}

@test "when the tool is killed its workers end and the private folder goes" {
  mkdir "$T/tmp"
  mkfifo "$T/fifo"
  frame A1 "$Q/exe.eml" >"$T/first"
  mgw-scan --input=frames --jobs=2 --tmp-dir="$T/tmp" <"$T/fifo" >"$T/out" 2>/dev/null 3>&- &
  pid=$!
  exec 7>"$T/fifo"
  cat "$T/first" >&7
  wait_for 20 grep -aq '^END A1' "$T/out"
  workers=$(cat "/proc/$pid/task/$pid/children")
  kill -9 "$pid"
  exec 7>&-
  wait_for 5 rmdir "$T/tmp"
  # gone, or dead and waiting for whoever adopts orphans here
  for worker in $workers; do
    wait_for 5 sh -c "[ ! -e /proc/$worker ] || grep -q '^State:.Z' /proc/$worker/status"
  done
}

@test "a full private folder is a result with its reason, never clean" {
  unshare -rm true 2>/dev/null || skip "no user namespaces"
  mkdir "$T/tmp"
  { frame B1 "$Q/eicar-zip.eml"; frame N6 "$S/nested-6.eml"; frame A1 "$Q/exe.eml"; } >"$T/in"
  cat >"$T/run" <<'R'
mount -t tmpfs -o size=64k none "$T/tmp" && head -c 65536 /dev/zero >"$T/tmp/full" || exit 99
mgw-scan --input=frames --jobs=2 --tmp-dir="$T/tmp" <"$T/in" >"$T/out" || exit
rm "$T/tmp/full"
for i in 1 2 3 4 5 6 7 8 9 10; do [ -z "$(ls -A "$T/tmp")" ] && exit 0; sleep 0.3; done
exit 98
R
  T="$T" S="$S" Q="$Q" unshare -rm bash "$T/run"
  answered B1 'virus=\(unscanned why=error:\|infected\)'
  answered N6 'virus=\(unscanned why=error:\|infected\)'
  run ! answered N6 'virus=clean'
  answered A1 'virus='
}

@test "code that takes over the scanner reaches no file, no network, no program" {
  hostile reach
  # without confinement it does: the test can tell
  LD_PRELOAD="$PRELOAD" mgw-scan --sandbox=off <"$T/reach.eml" >/dev/null 2>"$T/err"
  grep -q 'hostile: got /etc/passwd' "$T/err"
  grep -q 'hostile: got internet socket' "$T/err"
  sed 's/^Please see/HOSTILE-REACH &/' "$Q/eicar-zip.eml" >"$T/hit.eml"
  frame X "$T/hit.eml" >"$T/in"
  LD_PRELOAD="$PRELOAD" mgw-scan --sandbox=require <"$T/hit.eml" >"$T/one" 2>"$T/one.err"
  LD_PRELOAD="$PRELOAD" mgw-scan --sandbox=require --input=frames --jobs=2 <"$T/in" >"$T/out" 2>"$T/frames.err"
  has "$T/one" 'virus=infected'
  answered X 'virus=infected'
  for err in one.err frames.err; do
    run ! grep 'hostile: got' "$T/$err"
    for what in /etc/shadow /etc/passwd 'internet socket' 'unix socket' program; do
      grep -q "hostile: refused $what" "$T/$err"
    done
  done
}

# decide FILE: what the shipped inbound policy says about it, after a scan
decide() {
  [ -x "$MGW_BUILD/bin/mgw-filter" ] || skip "no mgw-filter in this build"
  mgw-scan --to=bob@example.org <"$1" | mgw-filter "$MGW_ROOT/share/pipelines/inbound.sieve" >"$T/out"
  sed '/^Mgw-End:/q' "$T/out" >"$T/block"
}
# zipped OUTER INNER FILE: a message with OUTER, a zip file that holds FILE as INNER; "a.zip/b" is b in a zip file in it
zipped() {
  python3 - "$@" <<'P'
import email.message, io, sys, zipfile
outer, inner, path = sys.argv[1:]
octets = open(path, "rb").read()
for name in reversed(inner.split("/")):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo(name), octets)
    octets = packed.getvalue()
m = email.message.EmailMessage()
m["From"], m["To"], m["Subject"] = "carol@example.com", "bob@example.org", "zip"
m.set_content("see the archive\n")
m.add_attachment(octets, maintype="application", subtype="zip", filename=outer)
sys.stdout.buffer.write(m.as_bytes())
P
}

@test "the inbound policy refuses a program in a zip file by its name" {
  echo 'no program at all' >"$T/text"
  zipped docs.zip setup.exe "$T/text" >"$T/in"
  decide "$T/in"
  grep -q '^Mgw-Verdict: reject .* class=content ' "$T/block"
  zipped docs.zip inner.zip/setup.EXE "$T/text" >"$T/in"
  decide "$T/in"
  grep -q '^Mgw-Verdict: reject .* class=content ' "$T/block"
}

@test "the inbound policy refuses a program in a zip file by its true type, whatever its name" {
  { printf 'MZ'; head -c 58 /dev/zero; printf '\100\0\0\0PE\0\0'; head -c 200 /dev/zero; } >"$T/pe"
  { printf '\177ELF\2\1\1'; head -c 200 /dev/zero; } >"$T/elf"
  for program in pe elf; do
    zipped docs.zip holiday.jpg "$T/$program" >"$T/in"
    decide "$T/in"
    grep -q '^Mgw-Verdict: reject .* class=content ' "$T/block"
    zipped docs.zip inner.zip/holiday.jpg "$T/$program" >"$T/in"
    decide "$T/in"
    grep -q '^Mgw-Verdict: reject .* class=content ' "$T/block"
  done
}

@test "the inbound policy lets a zip file with a text pass" {
  echo 'only words' >"$T/text"
  zipped docs.zip notes.txt "$T/text" >"$T/in"
  decide "$T/in"
  run ! grep -q '^Mgw-Verdict:' "$T/block"
}

@test "the end of a very long file name is kept: it says what the file is" {
  { printf 'MIME-Version: 1.0\nContent-Type: application/octet-stream; name="'; head -c 400 /dev/zero | tr '\0' a; printf '.exe"\n\nwords\n'; } >"$T/in"
  decide "$T/in"
  grep -q '^Mgw-Verdict: reject .* class=content ' "$T/block"
}

@test "the inbound policy holds an archive with more files than were looked at" {
  python3 -c '
import zipfile, sys
z = zipfile.ZipFile(sys.argv[1], "w")
for i in range(1100): z.writestr(zipfile.ZipInfo("n%d.txt" % i), b"x")
z.writestr(zipfile.ZipInfo("setup.exe"), b"x")
z.close()' "$T/many.zip"
  zipped docs.zip many.zip "$T/many.zip" >"$T/in"
  decide "$T/in"
  grep -q '^Mgw-Verdict: \(quarantine\|reject\) .* class=content ' "$T/block"
}

@test "more parts than the limit are not called clean, and cost no minutes" {
  python3 -c 'import sys; sys.stdout.write("From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + "--b\nA: b\n\nx\n" * 500000)' >"$T/many"
  timeout 20 mgw-scan --to=b@example.org <"$T/many" >"$T/out"
  sed -n '1,/^Mgw-End/p' "$T/out" | grep -q '^Mgw-Result: mgw-scan virus=unscanned why=limit:parts'
}
