#!/usr/bin/env bats
load helper
load recv-helper

setup() {
  recv_setup
  certificate mx.example
  printf 'pencil\n' | mgw-recv passwd alice >"$T/passwords"
  printf 'pin=g\n' | mgw-recv passwd bob@example.net >>"$T/passwords"
  SUBMIT=(--listen-submission 127.0.0.1:0 --tls-cert "$T/mx.example.cert" --tls-key "$T/mx.example.key" --passwords "$T/passwords"
    --log "$T/log")
  QUICK=(--wrong-password-pause 0)
}
teardown() { recv_teardown; }

submit() { swaks --server 127.0.0.1 --port "$PORT" --helo client.example --from alice@example.net --to b@example.org --tls "$@"; }

@test "PLAIN, LOGIN and SCRAM-SHA-256 let in who knows the password" {
  serve "${SUBMIT[@]}"
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all
  submit --auth LOGIN --auth-user bob@example.net --auth-password pin=g --hide-all
  grep -q 'proto=ESMTPSA tls=TLSv1.3 listener=.* auth=alice$' "$KEEP"/*.block
  grep -q ' auth=bob@example.net$' "$KEEP"/*.block
  grep -q 'with ESMTPSA id ' "$KEEP"/*.eml
  run ! grep -q '^Received:.*alice' "$KEEP"/*.eml
  grep -q '"auth":"alice"' "$T/log"
  python3 - "$PORT" <<'PY'
import base64, hashlib, hmac, smtplib, ssl, sys
c = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), "client.example", timeout=20)
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
c.starttls(context=context); c.ehlo()
assert c.esmtp_features["auth"] == " PLAIN LOGIN SCRAM-SHA-256", c.esmtp_features
encode = lambda octets: base64.b64encode(octets).decode()
first = "n=alice,r=abcdef"
code, text = c.docmd("AUTH", "SCRAM-SHA-256 " + encode(("n,," + first).encode()))
assert code == 334, text
server = base64.b64decode(text).decode()
part = dict(p.split("=", 1) for p in server.split(","))
salted = hashlib.pbkdf2_hmac("sha256", b"pencil", base64.b64decode(part["s"]), int(part["i"]))
mac = lambda key, what: hmac.new(key, what, "sha256").digest()
key = mac(salted, b"Client Key")
last = "c=biws,r=" + part["r"]
message = ",".join([first, server, last]).encode()
proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), message)))
code, text = c.docmd(encode((last + ",p=" + encode(proof)).encode()))
assert code == 334, text
assert base64.b64decode(text).decode() == "v=" + encode(mac(mac(salted, b"Server Key"), message))
assert c.docmd("")[0] == 235
PY
}

@test "a wrong password is 535, the same for logins that are there and that are not" {
  serve "${SUBMIT[@]}" "${QUICK[@]}"
  for user in alice nobody; do
    run submit --auth PLAIN --auth-user "$user" --auth-password wrong
    [[ "$output" == *"535 5.7.8 Authentication failed"* ]]
  done
  grep -q '"refused":"AUTH".*"code":535' "$T/log"
  [ -z "$(ls "$KEEP")" ]
}

@test "a client waits after a wrong password, and longer after the next" {
  serve "${SUBMIT[@]}" --wrong-password-pause 1
  local begin="$SECONDS"
  run submit --auth PLAIN --auth-user alice --auth-password wrong
  run submit --auth PLAIN --auth-user alice --auth-password wrong
  ((SECONDS - begin >= 3))
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all
}

@test "no AUTH without TLS, no mail without AUTH, no AUTH where mail of others comes in" {
  serve "${SUBMIT[@]}" --listen 127.0.0.1:0
  # the ports stand in the order --listen, --listen-submission
  run timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/${PORTS[1]}; printf 'EHLO c\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.c>\r\nQUIT\r\n' >&3; cat <&3"
  [[ "$output" == *"538 5.7.11"* && "$output" == *"530 5.7.0"* && "$output" != *"250-AUTH"* ]]
  run timeout 10 bash -c "printf 'EHLO c\r\nAUTH PLAIN AGEAYg==\r\nQUIT\r\n' | openssl s_client -quiet -starttls smtp -connect 127.0.0.1:$PORT 2>&1"
  [[ "$output" == *"502 5.5.1"* && "$output" != *"250-AUTH"* ]]
}

@test "--listen-submission-tls takes submissions under TLS from the first octet" {
  serve --listen-submission-tls 127.0.0.1:0 "${SUBMIT[@]:2}"
  swaks --server 127.0.0.1 --port "$PORT" --tls-on-connect --from a@b.example --to b@example.org --auth PLAIN --auth-user alice --auth-password pencil --hide-all
  [ -n "$(ls "$KEEP")" ]
}

@test "a submitted message gets the Date and Message-ID that it lacks, and no others" {
  serve "${SUBMIT[@]}"
  printf 'From: alice@example.net\r\nSubject: x\r\n\r\nhi\r\n' >"$T/in"
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all --data "@$T/in"
  grep -q '^Date: ' "$KEEP"/*.eml
  grep -q '^Message-ID: <.*@mx.example>' "$KEEP"/*.eml
  rm "$KEEP"/*
  mail one | sed 's/$/\r/' >"$T/in"
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all --data "@$T/in"
  [ "$(grep -c -E '^(Date|Message-ID): ' "$KEEP"/*.eml)" = 2 ]
}

@test "a sender address belongs to the logins of --sender-logins" {
  printf 'alice@example.net alice\n@team.example alice, bob@example.net\nteam@team.example bob@example.net\n' >"$T/senders"
  serve "${SUBMIT[@]}" --sender-logins "$T/senders"
  as() { swaks --server 127.0.0.1 --port "$PORT" --tls --to b@example.org --auth PLAIN --auth-user "$1" --auth-password "$2" --from "$3" --quit-after FROM 2>&1; }
  as alice pencil Alice@Example.net
  as alice pencil anyone@team.example
  as alice pencil '<>'
  as bob@example.net pin=g team@team.example
  run as alice pencil team@team.example
  [[ "$output" == *"553 5.7.1 Sender address does not belong to alice"* ]]
  run as bob@example.net pin=g alice@example.net
  [[ "$output" == *"553 5.7.1"* ]]
}

@test "a login may send to every domain, and so may the networks of --relay-from" {
  serve "${SUBMIT[@]}" --domain here.example
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all
  serve --listen 127.0.0.1:0 --domain here.example
  run swaks --server 127.0.0.1 --port "$PORT" --from a@b.example --to b@example.org --quit-after RCPT
  [[ "$output" == *"550 5.7.1"* ]]
  serve --listen 127.0.0.1:0 --domain here.example --relay-from 127.0.0.0/8
  swaks --server 127.0.0.1 --port "$PORT" --from a@b.example --to b@example.org --quit-after RCPT --hide-all
}

@test "SIGHUP reads the passwords anew; a bad file is complained of and the old ones stay" {
  serve "${SUBMIT[@]}"
  printf 'newer\n' | mgw-recv passwd carol >"$T/more"
  { cat "$T/passwords"; echo broken; } >"$T/bad"
  cp "$T/bad" "$T/passwords"
  kill -HUP "$PID"
  wait_for 5 grep -q 'passwords:3: ' "$T/server.err"
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all
  cp "$T/more" "$T/passwords"
  kill -HUP "$PID"
  is_new() { submit --auth PLAIN --auth-user carol --auth-password newer --quit-after AUTH; }
  wait_for 5 is_new
  run submit --auth PLAIN --auth-user alice --auth-password pencil
  [[ "$output" == *"535 5.7.8"* ]]
}

# the keeper of passwords: a child of the front that has workers
keeper() {
  local front child
  for front in $(pgrep -P "$PID" -x mgw-recv); do
    for child in $(pgrep -P "$front"); do
      [ -z "$(pgrep -P "$child")" ] || echo "$child"
    done
  done
}
has_workers() { [ "$(pgrep -P "$1" | wc -l)" = "$2" ]; }

@test "a process that checks passwords is replaced when it dies" {
  serve "${SUBMIT[@]}"
  wait_for 10 has_keeper
  local keeper worker
  keeper="$(keeper)"
  wait_for 10 has_workers "$keeper" 2
  for worker in $(pgrep -P "$keeper"); do kill -KILL "$worker"; done
  wait_for 10 has_workers "$keeper" 2
  submit --auth PLAIN --auth-user alice --auth-password pencil --hide-all
}
has_keeper() { [ -n "$(keeper)" ]; }

@test "passwd says what it cannot use" {
  run -65 bash -c 'mgw-recv passwd alice </dev/null'
  run -64 bash -c 'echo x | mgw-recv passwd " alice"'
  run -64 mgw-recv --listen 127.0.0.1:0 --pipeline "$SINK" --passwords "$T/passwords"
  run -64 mgw-recv --listen-submission 127.0.0.1:0 --pipeline "$SINK" --passwords "$T/passwords"
  echo broken >"$T/passwords"
  run -78 mgw-recv "${SUBMIT[@]}" --pipeline "$SINK" --check
  [[ "$output" == *"passwords:1: "* ]]
}
