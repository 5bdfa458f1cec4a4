load helper

setup() { cd "$T" || return; }

# nested: a text, an HTML in quoted-printable, an attachment in base64 with a name, and an attached message
nested() {
  printf '%s\n' 'Subject: x' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary=o' '' '--o' \
    'Content-Type: multipart/alternative; boundary=i' '' '--i' 'Content-Type: text/plain; charset=utf-8' '' 'hello' '--i' \
    'Content-Type: text/html; charset=utf-8' 'Content-Transfer-Encoding: quoted-printable' '' '<p>sch=C3=B6n</p>=' '' '--i--' '--o' \
    'Content-Type: application/octet-stream; name="a b.bin"' 'Content-Transfer-Encoding: base64' \
    'Content-Disposition: attachment; filename="a b.bin"' '' 'AAEC/w==' '--o' 'Content-Type: message/rfc822' '' 'Subject: in' '' 'inside' '--o--'
}

@test "parts shows number, path, type, charset, encoding, sizes, hash and names of each part" {
  nested >m
  run -0 mgw-filter parts m
  [ "${lines[0]}" = "m: $(wc -c <m) octets, sha256 $(sha256sum <m | cut -d' ' -f1)" ]
  [ "${#lines[@]}" -eq 9 ]
  bin=$(printf '\0\1\2\377' | sha256sum | cut -d' ' -f1)
  [[ "${lines[6]}" =~ ^\ *5\ +1\.2\ +application/octet-stream\ +base64\ +8\ +4\ +$bin\ +\"a\ b\.bin\"$ ]]
  [[ "${lines[4]}" =~ ^\ *3\ +1\.1\.1\ +text/plain\ +utf-8\ +5\ +5\ + ]]
  [[ "${lines[8]}" =~ ^\ *7\ +1\.3\.1\ +text/plain\ +6\ +6\ + ]]
}

@test "parts --json prints one object for each message of a mailbox" {
  for n in 1 2 3; do printf 'From a@example.net Tue Nov 24 05:47:3%d 2026\n' $n; mail $n; echo; done >box
  mgw-filter parts --json box >out
  [ "$(wc -l <out)" -eq 3 ]
  [ "$(jq -r .sha256 out | sed -n 2p)" = "$(mail 2 | sha256sum | cut -d' ' -f1)" ]
  nested >m
  mgw-filter parts --json <m >out
  [ "$(jq -c '[.parts[] | [.number, .path, .depth, .type, .octets]]' out)" = \
    '[[1,"1",0,"multipart/mixed",433],[2,"1.1",1,"multipart/alternative",164],[3,"1.1.1",2,"text/plain",5],[4,"1.1.2",2,"text/html",13],[5,"1.2",1,"application/octet-stream",4],[6,"1.3",1,"message/rfc822",19],[7,"1.3.1",2,"text/plain",6]]' ]
  [ "$(jq -c '.parts[4].names' out)" = '["a b.bin"]' ]
}

@test "parts reads a Maildir, several files, and an mbox on standard input" {
  mkdir -p md/new md/cur md/tmp
  mail 1 >md/new/1; mail 2 >md/cur/2; mail 3 >f
  [ "$(mgw-filter parts --json md f | wc -l)" -eq 3 ]
  { printf 'From a@example.net Tue Nov 24 05:47:35 2026\n'; cat f; echo; } >box
  [ "$(mgw-filter parts --json --input=mbox <box | jq -r .source)" = "standard input, message 1" ]
}

@test "--extract writes the decoded octets of a part exactly, by number or by path" {
  nested >m
  printf '\0\1\2\377' >want
  mgw-filter parts --extract 5 m | cmp - want
  mgw-filter parts --extract=1.2 <m | cmp - want
  printf '<p>sch\303\266n</p>' | cmp - <(mgw-filter parts --extract 1.1.2 m)
  printf 'Subject: in\n\ninside' | cmp - <(mgw-filter parts --extract 1.3 m)
  mgw-filter parts --extract 5 --raw m >raw
  printf '%s\n' 'Content-Type: application/octet-stream; name="a b.bin"' 'Content-Transfer-Encoding: base64' \
    'Content-Disposition: attachment; filename="a b.bin"' '' 'AAEC/w==' | head -c -1 | cmp - raw
  mgw-filter parts --extract 1 --raw m | cmp - m
}

@test "every part that parts lists has the hash of what --extract writes" {
  nested >m
  mgw-filter parts --json m | jq -r '.parts[] | "\(.path) \(.sha256)"' | while read -r path hash; do
    [ "$(mgw-filter parts --extract "$path" m | sha256sum | cut -d' ' -f1)" = "$hash" ] || { echo "$path"; return 1; }
  done
}

@test "no such part and more than one message are errors that leave standard output empty" {
  nested >m
  for part in 0 8 1.4 1.2.1 x '1.'; do
    run -65 --separate-stderr mgw-filter parts --extract "$part" m
    [ -z "$output" ]
    [[ "$stderr" == *"has no part $part"* ]]
  done
  run -65 --separate-stderr mgw-filter parts --extract 1 m m
  [ -z "$output" ]
  [[ "$stderr" == *'more than one message'* ]]
  run -64 mgw-filter parts --raw m
  run -65 mgw-filter parts no-such-file
  run -75 mgw-filter parts </dev/null
  run -75 bash -c 'mgw-filter parts m >/dev/full'
}

@test "a damaged encoding is said, and what can be decoded is written" {
  printf 'Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVs!bG8\n' >m
  run -0 --separate-stderr mgw-filter parts --extract 1 m
  [ "$output" = hello ]
  [[ "$stderr" == *'encoding of part 1 is damaged'* ]]
  run -0 mgw-filter parts m
  [[ "$output" == *'(damaged)'* ]]
  mgw-filter parts --json m | jq -e '.parts[0].damaged'
}

@test "nothing in a name, type or charset reaches the terminal raw" {
  printf 'Content-Type: text/a\033[2Jb; charset="\033]0;x\007"; name="\342\200\256gpj.exe\302\2331\r"\nContent-Disposition: attachment; filename="\033[31m\377\200\357\273\277\363\240\201\201\342\200\213"\n\nx\n' >m
  for how in parts 'parts --json'; do
    # shellcheck disable=SC2086 # two words
    mgw-filter $how m >out
    run ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]' out
    run ! grep -q $'\342\200\256' out
    run ! grep -q $'\302\233' out
    run ! grep -q -e $'\357\273\277' -e $'\363\240\201\201' -e $'\342\200\213' out # shown as nothing
    iconv -f utf-8 -t utf-8 out >/dev/null
  done
  mgw-filter parts --json m | jq -e '.parts[0].names | length > 0'
}

@test "flags say what is odd about a message" {
  printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\0\n' >m
  run -0 mgw-filter parts m
  [[ "${lines[1]}" == flags:*nul* && "${lines[1]}" == *unclosed-multipart* ]]
  mgw-filter parts --json m | jq -e '.flags | index("nul")'
}

@test "what only some programs see in an ambiguous message is shown as well" {
  # some programs end at the padding, some read on
  printf 'Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVsbG8=\nd29ybGQ=\n' >m
  run -0 mgw-filter parts m
  [[ "$output" == *'also seen: '* ]]
  mgw-filter parts --json m | jq -e '."also-seen" | length > 0'
  mail x >plain
  run -0 mgw-filter parts plain
  [[ "$output" != *'also seen'* ]]
}

@test "a command is known by its name, and takes no options of the filter" {
  echo 'keep;' >parts
  mail x | mgw-filter ./parts >/dev/null
  run -64 --separate-stderr mgw-filter p.sieve parts </dev/null
  [[ "$stderr" == *'parts is a command and comes first; a file of that name is ./parts'* ]]
  run -64 --separate-stderr mgw-filter parts --on-error=pass parts
  [[ "$stderr" == *'--on-error does not go with the command parts'* ]]
  mail x | mgw-filter --policy parts >/dev/null
  mail x >m
  run -75 --separate-stderr mgw-filter --each cat parts diff <m # words of the program, which finds no file "diff"
  [[ "$stderr" == *'cat'* && "$stderr" != *command* ]]
  mgw-filter --json parts m | jq -e .octets
}

@test "a configuration file may speak of commands" {
  printf '[mgw-filter.parts]\nextract = "1"\n' >c.toml
  mail x >m
  [ "$(mgw-filter --config=c.toml parts m)" = hello ]
  echo 'keep;' >p.sieve
  mgw-filter --config=c.toml p.sieve <m >/dev/null
  printf '[mgw-filter.no-such]\na = "1"\n' >c.toml
  run -78 mgw-filter --config=c.toml p.sieve <m
}
