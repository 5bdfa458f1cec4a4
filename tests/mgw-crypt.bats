load helper

# gpg-agent's sockets want a short path
setup_file() {
  MGW_TEST_GNUPG="$(mktemp -d /tmp/mgw.XXXX)"
  export MGW_TEST_GNUPG
  for user in 'Bob <bob@example.org>' 'Evil <bob@example.org.evil.test>' 'Alice <alice@example.net>'; do
    gpg --homedir "$MGW_TEST_GNUPG" --batch --quiet --passphrase '' --quick-generate-key "$user" future-default default never
  done
}
teardown_file() {
  gpgconf --homedir "$MGW_TEST_GNUPG" --kill all
  rm -rf "$MGW_TEST_GNUPG"
}
setup() { cd "$T" && mail secret >m; }
encrypt() { mgw-crypt encrypt --homedir="$MGW_TEST_GNUPG" --from=alice@example.net "$@"; }
decrypt() { mgw-crypt decrypt --homedir="$MGW_TEST_GNUPG" "$@"; }
confined() { grep -q '^Seccomp:[[:space:]]*2' /proc/$!/status && [ -n "$(cat /proc/$!/task/$!/children)" ]; }
body() { sed '1,/^\r*$/d'; }

@test "what is encrypted comes back octet for octet" {
  printf 'From: a@example.net\r\nTo: bob@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nX-A: b\r\n\r\n\303\251 \r\n.\r\nlast' >crlf
  printf 'From: a@example.net\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\r\ntwo\n--x--\n' >lf
  for m in crlf lf; do
    encrypt --block=strip --to=bob@example.org <$m >e
    run ! grep -q 'last\|two' e
    run ! env LC_ALL=C grep -q '[^ -~[:cntrl:]]' e
    decrypt --block=strip <e >d
    cmp $m d
  done
}
@test "gpg itself can read it" {
  encrypt --to=bob@example.org <m >e
  sed -n '/BEGIN PGP/,/END PGP/p' e | gpg --homedir "$MGW_TEST_GNUPG" --batch --quiet --decrypt >plain
  grep -q hello plain
}
@test "header fields stay identical outside" {
  encrypt --block=strip --to=bob@example.org <m >e
  sed '/^$/q' m | sed '/^$/d' >before
  sed '/^MIME-Version/,$d' e | cmp - before
}
@test "without a key nothing comes out" {
  for address in nobody@example.org bob@example.or ob@example.org; do
    run -77 --separate-stderr encrypt --to=$address <m
    [ -z "$output" ]
    [[ "$stderr" == *'No usable key'* ]]
  done
  run -77 --separate-stderr encrypt --to=bob@example.org --to=nobody@example.org <m
  [ -z "$output" ]
  [[ "$stderr" == *"reject: nobody@example.org: No usable key"* ]]
  run -75 --separate-stderr encrypt --no-key=defer --to=nobody@example.org <m
  [ -z "$output" ]
  run -75 --separate-stderr encrypt <m
  [[ "$stderr" == *"give --to=ADDRESS"* ]]
}
@test "in a frame the one without a key is refused and the other gets it encrypted" {
  mgw-route --output=frames --to=bob@example.org --to=nobody@example.org <m >frame
  encrypt --input=frames <frame >out
  grep -q '^Mgw-Verdict: reject 2 550 5.7.1 class=policy by=mgw-crypt' out
  grep -q 'encrypt=ok' out
  run ! grep -q '^hello' out
}
@test "clear text goes out only where it is asked for" {
  encrypt --no-key=pass --to=nobody@example.org <m >out
  grep -q 'encrypt=none why=no-key' out
  unstamped <out | cmp - m
}
@test "a similar address is another key" {
  encrypt --explain --to=bob@example.org <m 2>one >/dev/null
  encrypt --explain --to=bob@example.org.evil.test <m 2>two >/dev/null
  key() { grep -o 'key [0-9A-F]\{40\}' "$1"; }
  [ -n "$(key one)" ] && [ -n "$(key two)" ] && [ "$(key one)" != "$(key two)" ]
}
@test "what is encrypted already stays identical, what only says so does not" {
  encrypt --block=strip --to=bob@example.org <m >once
  encrypt --block=strip --to=bob@example.org <once | cmp - once
  printf 'Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nclear text\n--b--\n' >liar
  encrypt --to=bob@example.org <liar >out
  run ! grep -q 'clear text' out
}
@test "says who signed, and whether that is who From names" {
  { printf 'Content-Type: text/plain\r\n\r\nsigned\r\n'; } >inner
  gpg --homedir "$MGW_TEST_GNUPG" --batch --quiet --trust-model always --armor --sign --local-user alice@example.net --encrypt -r bob@example.org -o armored inner
  for from in alice@example.net bob@example.org; do
    { printf 'From: %s\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n' $from
      cat armored; printf '\n--b--\n'; } >"from-$from"
  done
  decrypt <from-alice@example.net | grep -q 'signature=good .*signer=alice@example.net signer-is-from=yes'
  decrypt <from-bob@example.org | grep -q 'signature=good .*signer-is-from=no'
}
@test "decrypts one armored block in a text message" {
  printf 'inline secret\n' | gpg --homedir "$MGW_TEST_GNUPG" --batch --quiet --trust-model always --armor --encrypt -r bob@example.org -o armored
  { printf 'Subject: x\n\n'; cat armored; } >inline
  decrypt --block=strip <inline >out
  printf 'Subject: x\n\ninline secret\n' | cmp - out
}
@test "what cannot be decrypted goes on unchanged and says why" {
  encrypt --block=strip --to=bob@example.org <m >e
  awk '/^=/{ $0 = "=AAAA" } {print}' e >damaged
  run ! cmp -s e damaged
  decrypt <damaged >out
  grep -q 'decrypt=failed .*why=' out
  decrypt --block=strip <damaged | cmp - damaged
}
@test "mail that is not encrypted passes unchanged" {
  printf 'no header at all\n' >odd; printf 'A: b\n\n\000\n' >nul; printf '\r\r\r' >crs
  for x in m odd nul crs; do decrypt --block=strip <$x | cmp - $x; done
}
@test "mistakes have their status" {
  run -64 mgw-crypt <m
  [[ "$output" == *'mgw-crypt encrypt, or mgw-crypt decrypt'* ]]
  run -64 mgw-crypt encrypt --nonsense <m
  run -75 decrypt </dev/null
  run -75 encrypt <m
  run -78 mgw-crypt decrypt --homedir=/nonexistent <m
  run -78 mgw-crypt decrypt --homedir="/$(printf 'x%.0s' {1..100})" <m
  [[ "$output" == *'longer than 87 octets'* ]]
  run -75 bash -c "mgw-crypt decrypt --homedir=$MGW_TEST_GNUPG <m >/dev/full"
}

@test "what parses mail is confined, what runs gpg parses none and ends with it" {
  mkfifo f
  mgw-crypt encrypt --homedir="$MGW_TEST_GNUPG" --sandbox=require --to=bob@example.org <f >e 3>&- & # its standard input stays open until we close it
  exec 7>f
  wait_for 5 confined
  broker=$(cat /proc/$!/task/$!/children)
  cat m >&7
  exec 7>&-
  wait $!
  decrypt --sandbox=require --block=strip <e | grep hello
  gone() { ! kill -0 $broker; }
  wait_for 5 gone
}
@test "the process that runs gpg dies: nothing comes out, in clear or otherwise" {
  mkfifo f
  mgw-crypt encrypt --homedir="$MGW_TEST_GNUPG" --to=bob@example.org <f >e 2>err 3>&- & # its standard input stays open until we close it
  exec 7>f
  wait_for 5 confined
  kill -9 $(cat /proc/$!/task/$!/children)
  cat m >&7
  exec 7>&-
  local status=0
  wait $! || status=$?
  [ $status = 75 ]
  [ ! -s e ]
  grep -q 'the process that runs gpg has ended' err
}
@test "a key with a passphrase is said to be one" {
  locked=$(mktemp -d /tmp/mgw.XXXX)
  gpg --homedir "$locked" --batch --quiet --pinentry-mode loopback --passphrase x --quick-generate-key 'Bob <bob@example.org>' future-default default never
  gpgconf --homedir "$locked" --kill all # the agent remembers it
  mgw-crypt encrypt --homedir="$locked" --to=bob@example.org <m >e
  run -75 --separate-stderr mgw-crypt decrypt --homedir="$locked" <e
  gpgconf --homedir "$locked" --kill all
  rm -rf "$locked"
  [ -z "$output" ]
  [[ "$stderr" == *"has a passphrase"* ]]
}
