#!/usr/bin/env bats
load helper
load recv-helper

setup() {
  recv_setup
  certificate mx.example
  TLS=(--tls-cert "$T/mx.example.cert" --tls-key "$T/mx.example.key")
}
teardown() { recv_teardown; }

# shake OPTION...: a handshake with the implicit listener at PORT and QUIT; what openssl tells of it
shake() { printf 'QUIT\n' | timeout 10 openssl s_client -connect "127.0.0.1:$PORT" -crlf -ign_eof "$@" 2>&1; }

deliver() { swaks --server 127.0.0.1 --port "$PORT" --helo client.example --from a@example.net --to b@example.org --hide-all "$@"; }

@test "--listen-tls speaks TLS from the first octet and does not offer STARTTLS" {
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}"
  deliver --tls-on-connect
  grep -q 'proto=ESMTPS tls=TLSv1.3 listener=' "$KEEP"/*.block
  grep -q 'with ESMTPS id ' "$KEEP"/*.eml
  run bash -c "printf 'EHLO c\r\nQUIT\r\n' | timeout 10 openssl s_client -quiet -connect 127.0.0.1:$PORT"
  [[ "$output" == *"220 mx.example ESMTP"* && "$output" == *"250-REQUIRETLS"* && "$output" != *STARTTLS* ]]
}

@test "--listen-tls without a certificate, and keys that do not match the certificates in number, are usage errors" {
  run -64 mgw-recv --listen-tls 127.0.0.1:0 --pipeline "$SINK"
  run -64 mgw-recv --listen 127.0.0.1:0 --pipeline "$SINK" "${TLS[@]}" --tls-cert "$T/mx.example.cert"
}

@test "who speaks no TLS to --listen-tls is not answered, and others are served" {
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}"
  run timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT; printf 'EHLO c\r\nMAIL FROM:<a@b.c>\r\n' >&3; cat <&3"
  [[ "$output" != *220* && "$output" != *250* ]]
  deliver --tls-on-connect
}

@test "a client gets the certificate that has the name it asks for, else the first" {
  certificate mail.example.org
  certificate '*.example.com' wild
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}" --tls-cert "$T/mail.example.org.cert" --tls-key "$T/mail.example.org.key" \
    --tls-cert "$T/wild.cert" --tls-key "$T/wild.key"
  for pair in mail.example.org=mail.example.org mx.example=mx.example other.example=mx.example 'a.example.com=\*.example.com'; do
    run shake -servername "${pair%=*}"
    [[ "$output" == *"subject=CN = "${pair#*=}$'\n'* ]]
  done
  run shake -noservername
  [[ "$output" == *"subject=CN = mx.example"* ]]
}

@test "nothing older than TLS 1.2" {
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}"
  run shake -tls1_1 -cipher DEFAULT@SECLEVEL=0
  [[ "$output" != *"220 mx.example"* ]]
  run shake -tls1_2
  [[ "$output" == *"220 mx.example"* ]]
}

@test "a session is resumed with its ticket" {
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}"
  run shake -tls1_2 -sess_out "$T/session"
  run shake -tls1_2 -sess_in "$T/session"
  [[ "$output" == *"Reused, TLSv1.2"* && "$output" == *"220 mx.example"* ]]
}

@test "renegotiation is refused" {
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}"
  run timeout 10 bash -c "(sleep 1; echo R; sleep 1; echo QUIT) | openssl s_client -tls1_2 -crlf -connect 127.0.0.1:$PORT 2>&1"
  [[ "$output" == *"no renegotiation"* ]]
}

@test "a client's certificate is in the record and in Mgw-Client; without --tls-ask-cert it is not asked for" {
  certificate client.example
  serve --listen 127.0.0.1:0 "${TLS[@]}" --tls-ask-cert --log "$T/log"
  deliver --tls --tls-cert "$T/client.example.cert" --tls-key "$T/client.example.key"
  local print
  print="$(openssl x509 -in "$T/client.example.cert" -outform DER | sha256sum | cut -d' ' -f1)"
  grep -q " cert=$print subject=CN+3Dclient.example$" "$KEEP"/*.block
  grep -q "\"cert\":\"$print\",\"subject\":\"CN=client.example\"" "$T/log"
  deliver --tls # one without is served as well
  rm "$KEEP"/*
  serve --listen 127.0.0.1:0 "${TLS[@]}"
  deliver --tls --tls-cert "$T/client.example.cert" --tls-key "$T/client.example.key"
  run ! grep -q ' cert=' "$KEEP"/*.block
}

@test "SIGHUP brings new certificates; bad ones are complained of and the old stay" {
  serve --listen-tls 127.0.0.1:0 "${TLS[@]}"
  certificate new.example
  cp "$T/new.example.cert" "$T/mx.example.cert"
  kill -HUP "$PID" # half a pair
  wait_for 5 grep -q 'tls-key: .*mx.example.cert' "$T/server.err"
  run shake
  [[ "$output" == *"subject=CN = mx.example"* ]]
  cp "$T/new.example.key" "$T/mx.example.key"
  kill -HUP "$PID"
  is_new() { shake | grep -q 'subject=CN = new.example'; }
  wait_for 5 is_new
  deliver --tls-on-connect
}
