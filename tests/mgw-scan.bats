load helper

Q="$MGW_ROOT/share/pipelines/quickstart"
S="$MGW_DATA/scan"

# has FILE TEXT: the result line holds it
has() { grep -q "^Mgw-Result: mgw-scan .*$2" "$1" || { head -20 "$1"; return 1; }; }

@test "finds EICAR inside a zip attachment" {
  mgw-scan <"$Q/eicar-zip.eml" >"$T/out"
  has "$T/out" "virus=infected virus-name=Eicar-Test-Signature"
  has "$T/out" "file.1=invoice.zip"
  has "$T/out" "member.1.1=invoice.com"
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

@test "adds X-Virus-Status when asked, and leaves foreign ones unless told otherwise" {
  { echo "X-Virus-Status: Clean"; cat "$Q/eicar-zip.eml"; } >"$T/in"
  mgw-scan --scan-headers <"$T/in" | unstamped >"$T/out"
  [ "$(grep -ci '^X-Virus-Status:' "$T/out")" = 2 ]
  head -1 "$T/out" | grep -q '^X-Virus-Status: Infected (Eicar-Test-Signature'
  mgw-scan --scan-headers --replace-fields <"$T/in" | unstamped >"$T/out"
  [ "$(grep -ci '^X-Virus-Status:' "$T/out")" = 1 ]
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
