load helper
load send-server

setup() {
  mkdir -p "$T/out"
  authority; certificate "$T/pem" relay.example
  zone 'relay.example. 60 IN A 127.0.0.1' 'example.org. 60 IN MX 10 relay.example.'
  echo 'relay.example alice s3cret' >"$T/logins"; chmod 600 "$T/logins"
}
teardown() { end_servers; }
login() { send --auth-file="$T/logins" --tls-ca="$T/ca.pem" --deliver="smtp:[relay.example]:$PORT" "$@"; }

@test "logs in by SCRAM, which never tells the password" {
  serve 9 --cert "$T/pem" --auth 'LOGIN PLAIN SCRAM-SHA-256'
  login < <(mail one)
  grep -q '^AUTH SCRAM-SHA-256 ' "$T/out/1.env"
  run ! grep -rq -e s3cret -e "$(printf 's3cret' | base64)" "$T/out/1.env"
  [ -s "$T/out/1.eml" ]
}

@test "logs in by PLAIN, else by LOGIN" {
  serve 9 --cert "$T/pem" --auth 'LOGIN PLAIN'
  login < <(mail one)
  grep -q "^AUTH PLAIN $(printf '\0alice\0s3cret' | base64)" "$T/out/1.env"
  serve 8 --cert "$T/pem" --auth LOGIN
  login < <(mail one)
  grep -q '^(login)' "$T/out/1.env"
}

@test "a wrong password makes mail wait and names the file's line, not the password" {
  serve 9 --cert "$T/pem" --auth 'PLAIN SCRAM-SHA-256'
  echo 'relay.example alice wr0ng' >"$T/logins"
  run -75 login < <(mail one)
  [[ "$output" == *"451 4.7.8 "*"535 no, login of $T/logins:1"* ]]
  [[ "$output" != *wr0ng* ]]
}

@test "a server that does not know the password itself gets no mail" {
  serve 9 --cert "$T/pem" --auth SCRAM-SHA-256 --mode fraud
  run -75 login < <(mail one)
  [[ "$output" == *"its SCRAM signature is wrong"* ]]
  [ ! -e "$T/out/1.eml" ]
}

@test "a login is never given in clear, to a wrong certificate, or to a host of an unsigned MX" {
  serve 9 --auth PLAIN
  run -75 login < <(mail one)
  [[ "$output" == *"4.7.4"* ]]
  certificate "$T/wrong" other.example
  serve 8 --cert "$T/wrong" --auth PLAIN
  run -75 login < <(mail one)
  [[ "$output" == *"4.7.5"*"login of $T/logins:1"* ]]
  end_servers
  echo 'example.org alice s3cret' >"$T/logins"
  serve 9 --cert "$T/pem" --auth PLAIN
  run -75 send --auth-file="$T/logins" --tls-ca="$T/ca.pem" --deliver="smtp:example.org:$PORT" < <(mail one)
  [[ "$output" == *"only given to a server that TLS proves to be it"* ]]
  [ ! -e "$T/out/1.env" ]
}

@test "a file of logins that others may read is refused" {
  chmod 640 "$T/logins"; PORT=25
  run -78 login < <(mail one)
  [[ "$output" == *"may be read by others"*"chmod 600"* ]]
}

@test "REQUIRETLS: only to a known server that passes it on" {
  serve 9 --cert "$T/pem" --extension REQUIRETLS; with="$PORT"
  serve 8 --cert "$T/pem"
  required() { send --tls-ca="$T/ca.pem" "$@" < <(frame A 'Mgw-From: <alice@example.net> REQUIRETLS' 'Mgw-To: 1 <bob@example.org>'); }
  required --input=frames --deliver="smtp:[relay.example]:$with" >"$T/answers"
  grep -q ' 1 250 ' "$T/answers"
  grep -q '^MAIL FROM:<alice@example.net>.* REQUIRETLS' "$T/out/1.env"
  required --input=frames --deliver="smtp:[relay.example]:$PORT" >"$T/answers"
  grep -q ' 1 550 5.7.30 ' "$T/answers"
  # the name of the exchanger is nobody's word
  required --input=frames --deliver="smtp:example.org:$with" >"$T/answers"
  grep -q ' 1 550 5.7.30 ' "$T/answers"
}

@test "REQUIRETLS: another exchanger that can is used" {
  serve 9 --cert "$T/pem" --extension REQUIRETLS --address 127.0.0.3
  serve 8 --cert "$T/pem" --address 127.0.0.2 --port "$PORT"
  zone 'relay.example. 60 IN A 127.0.0.2' 'relay.example. 60 IN A 127.0.0.3'
  frame A 'Mgw-From: <alice@example.net> REQUIRETLS' 'Mgw-To: 1 <bob@example.org>' |
    send --tls-ca="$T/ca.pem" --input=frames --deliver="smtp:[relay.example]:$PORT" >"$T/answers"
  grep -q ' 1 250 ' "$T/answers"
}

@test "TLS-Required: No goes in clear where the domain's policy asks for TLS, but not against --tls-policy" {
  serve 9
  no() { sed 's/^Subject/TLS-Required: No\nSubject/' < <(mail one); }
  run -75 send --tls=encrypt --deliver="smtp:[relay.example]:$PORT" < <(mail one)
  send --tls=encrypt --deliver="smtp:[relay.example]:$PORT" < <(no)
  [ -s "$T/out/1.eml" ]
  run -75 send --tls=encrypt --deliver="smtp:[relay.example]:$PORT" < <(no | sed 's/: No/: Perhaps/')
  echo '[relay.example] encrypt' >"$T/levels"
  run -75 send --tls-policy="$T/levels" --deliver="smtp:[relay.example]:$PORT" < <(no)
}
