load helper

setup() { cd "$T" || return; mail one >a; }

# differ STATUS ARG...: diff with an expected status, output in the file out
differ() { local status=0; mgw-filter diff "${@:2}" >out || status=$?; [ "$status" -eq "$1" ]; }

@test "diff says nothing and ends with 0 where no octet differs" {
  cp a b
  differ 0 a b
  [ ! -s out ]
  differ 0 --json a b
  [ "$(jq -c .edits out)" = '[]' ]
}

@test "diff says which fields were added, removed and replaced, and ends with 1" {
  { echo 'X-New: 1'; sed -e 's/^Subject: .*/Subject: [tag] one/' -e '/^Date:/d' -e 's/hello/hallo/' a; } >b
  differ 1 a b
  diff -u - out <<'EOF'
field X-New added, at octet 0
  + X-New: 1
field Subject replaced, at octet 44
  - Subject: one
  + Subject: [tag] one
field Date removed, at octet 57
  - Date: Tue, 24 Nov 2026 05:47:35 +0000
body: 1 octet replaced by 1, at octet 127
  - e
  + a
EOF
}

@test "undo gives the message before, redo the one after, octet for octet" {
  { echo 'X-New: 1'; sed -e 's/hello/\x00\xff\x1b hallo/' a; printf 'no line end'; } >b
  differ 1 --json a b; mv out edits
  mgw-filter undo edits <b | cmp - a
  mgw-filter undo edits b | cmp - a
  mgw-filter redo edits <a | cmp - b
  jq . edits >spread
  mgw-filter undo spread <b | cmp - a
  mgw-filter undo - b <edits | cmp - a
}

@test "edits of another message, or damaged ones, are refused and nothing is written" {
  sed s/hello/hallo/ a >b
  differ 1 --json a b; mv out edits
  for wrong in a edits; do
    run -65 --separate-stderr mgw-filter undo edits "$wrong"
    [ -z "$output" ]
    [[ "$stderr" == *'not for this message'* ]]
  done
  run -65 mgw-filter redo edits b
  sed 's/"offset":[0-9]*/"offset":1/' edits >bad
  run -65 --separate-stderr mgw-filter undo bad b
  [[ -z "$output" && "$stderr" == *damaged* ]]
  head -c 100 edits >cut
  run -65 mgw-filter undo cut b
  run -65 mgw-filter undo a b
  run -65 mgw-filter undo /dev/null b
  run -75 mgw-filter undo edits </dev/null
  run -64 mgw-filter undo - -
  run -64 mgw-filter diff a
  run -64 mgw-filter diff - -
  run -65 mgw-filter diff a no-such-file
  run -75 bash -c 'mgw-filter undo edits b >/dev/full'
}

@test "the edits of several stages are undone from the last to the first" {
  { echo 'A: 1'; cat a; } >b
  { echo 'B: 2'; sed s/hello/hallo/ b; } >c
  differ 1 --json a b; mv out edits
  differ 1 --json b c; cat out >>edits
  [ "$(wc -l <edits)" -eq 2 ]
  mgw-filter undo edits <c | cmp - a
  mgw-filter redo edits <a | cmp - c
}

@test "--dry-run and --explain list the edits and leave the message as it is" {
  { echo 'X-New: 1'; cat a; } >b
  differ 1 --json a b; mv out edits
  mgw-filter undo --dry-run --explain edits b 2>err | cmp - b
  grep -Fx 'mgw-filter: undone: field X-New added, at octet 0' err
  run -0 mgw-filter undo --check edits
  run -65 mgw-filter undo --check a
}

@test "the envelope block counts as lines of the message, or is set aside" {
  echo 'keep;' >p.sieve
  mgw-filter p.sieve <a >b
  differ 1 a b
  grep -q '^envelope line Mgw-Result added' out
  differ 1 --json a b; mv out edits
  mgw-filter undo edits <b | cmp - a
  differ 0 --block=strip a b
  { sed '/^Mgw-End:/q' b; sed '1,/^Mgw-End:/d; s/hello/hallo/' b; } >c
  differ 1 --block=strip --json a c; mv out edits
  mgw-filter undo --block=strip edits <c | cmp - a
  run -65 mgw-filter undo edits c
}

@test "a change inside a signed part is told from one above it" {
  printf '%s\n' 'Content-Type: multipart/signed; boundary=b' '' '--b' '' 'text' '--b' 'Content-Type: application/pgp-signature' '' 's' '--b--' >s
  { echo 'X: y'; cat s; } >above
  differ 1 s above
  run ! grep -q signature out
  sed s/text/test/ s >inside
  differ 1 s inside
  grep -q 'inside a signed part: its signature no longer holds' out
  differ 1 --json s inside
  jq -e '.edits[0]["in-signed"] and .edits[0].part == "1.1"' out
}

@test "line ends that changed are said in one line, and undone" {
  sed 's/$/\r/' a >b
  differ 1 a b
  [ "$(cat out)" = 'only line ends differ: LF became CRLF' ]
  differ 1 --json a b; mv out edits
  mgw-filter undo edits <b | cmp - a
}

@test "what diff prints for people is safe for a terminal" {
  { cat a; printf '\033[2J\342\200\256\302\233\377\r\n'; } >b
  differ 1 a b
  run ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]' out
  run ! grep -q $'\342\200\256' out
  iconv -f utf-8 -t utf-8 out >/dev/null
}

@test "two large messages of repeated lines in another order cost bounded time" {
  { printf 'A: b\n\n'; yes $'a\nb\nb' | head -n 400000; } >b
  { printf 'A: b\n\n'; yes $'b\na\na\nb' | head -n 400000; } >c
  status=0
  timeout 60 mgw-filter diff --json b c >edits || status=$?
  [ "$status" -eq 1 ]
  mgw-filter undo edits <c | cmp - b
}
