load helper
load send-server

setup() { mkdir -p "$T/out"; zone '@ 60 IN A 127.0.0.1'; }
teardown() { end_servers; }

@test "a server that offers CHUNKING gets the octets as they are" {
  serve 9 --extension CHUNKING
  mail one >"$T/m"; printf '.\n..dots\n' >>"$T/m"
  send --deliver="smtp:[127.0.0.1]:$PORT" <"$T/m"
  tr -d '\r' <"$T/out/1.eml" | cmp - "$T/m"
  grep -q "^BDAT $(sed 's/$/\r/' "$T/m" | wc -c) LAST" "$T/out/1.env"
  run ! grep -q '^DATA' "$T/out/1.env"
}

@test "LIMITS: as many transactions and connections as the server asks for" {
  serve 9 --extension 'LIMITS RCPTMAX=2 MAILMAX=1' --most 2
  send --to=c@example.org --to=d@example.org --to=e@example.org --to=f@example.org --deliver="smtp:[127.0.0.1]:$PORT" < <(mail one)
  [ "$(ls "$T/out" | grep -c 'eml$')" -eq 3 ]
  [ "$(cat "$T"/out/*.env | grep -c '^RCPT')" -eq 5 ]
  [ "$(cat "$T/out/connections")" -eq 3 ]
}

@test "--recipients bounds a transaction" {
  serve 9
  send --to=c@example.org --to=d@example.org --recipients=1 --deliver="smtp:[127.0.0.1]:$PORT" < <(mail one)
  [ "$(ls "$T/out" | grep -c 'eml$')" -eq 3 ]
}

@test "8-bit parts are encoded for a server that takes 7-bit mail only; what is signed is refused" {
  serve 9 --mode seven-bit
  { mail one; printf 'Gr\303\274\303\237e und noch mehr\n'; } >"$T/m"
  send --deliver="smtp:[127.0.0.1]:$PORT" <"$T/m"
  grep -q '^Content-Transfer-Encoding: quoted-printable' "$T/out/1.eml"
  grep -q '^Gr=C3=BC=C3=9Fe' "$T/out/1.eml"
  run -77 send --no-downgrade --deliver="smtp:[127.0.0.1]:$PORT" <"$T/m"
  [[ "$output" == *"550 5.6.3"* ]]
  printf 'MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\n\n\303\244\n--b--\n' >"$T/signed"
  run -77 send --deliver="smtp:[127.0.0.1]:$PORT" <"$T/signed"
  [[ "$output" == *"550 5.6.3"*"8-bit text is signed or encrypted: part 1.1"* ]]
}
