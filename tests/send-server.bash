# shellcheck disable=SC2034 # what is set here is for the bats files
# Loaded by the tests of mgw-send that need servers and certificates.

# end_servers: closes what keeps servers alive, and waits for them
end_servers() {
  local pid fd
  for fd in 7 8 9; do eval "exec $fd>&-"; done
  for pid in ${PIDS:-}; do wait "$pid" || true; done
  PIDS=
  rm -f "$T"/keep* "$T"/port*
}
# serve FD OPTION...: starts the scripted server until descriptor FD is closed; its port is $PORT
serve() {
  local fd="$1"; shift
  mkfifo "$T/keep$fd"
  python3 "$MGW_DATA/send/server.py" --out "$T/out" "$@" <"$T/keep$fd" >"$T/port$fd" 3>&- &
  PIDS="${PIDS:-} $!"
  eval "exec $fd>\"$T/keep$fd\""
  wait_for 10 test -s "$T/port$fd"
  PORT="$(cat "$T/port$fd")"
}
# serve_policy CERT OPTION...: an HTTPS server of $T/policy; its port is $WEB
serve_policy() {
  local cert="$1"; shift
  mkfifo "$T/keepweb"
  python3 "$MGW_DATA/send/https.py" --cert "$cert" --file "$T/policy" --out "$T/web" "$@" <"$T/keepweb" >"$T/portweb" 3>&- &
  PIDS="${PIDS:-} $!"
  exec 7>"$T/keepweb"
  wait_for 10 test -s "$T/portweb"
  WEB="$(cat "$T/portweb")"
}
# authority: a CA in $T/ca.pem
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -days 3000 \
    -subj '/CN=Test CA' -addext basicConstraints=critical,CA:TRUE 2>/dev/null
}
# certificate FILE NAME: key and certificate of that name, signed by the authority
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/k" -subj "/CN=$2" -out "$T/r" 2>/dev/null
  openssl x509 -req -in "$T/r" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 3000 -out "$T/c" \
    -extfile <(echo "subjectAltName=DNS:$2") 2>/dev/null
  cat "$T/k" "$T/c" "$T/ca.pem" >"$1"
}
# digest PEM: the SHA-256 of its first certificate's key, as TLSA 3 1 1 has it
digest() { openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }
# zone LINE...: $T/zone
zone() { printf '%s\n' "$@" >"$T/zone"; }
send() { mgw-send --from=alice@example.net --to=bob@example.org --dns-zone="$T/zone" --name=me.example "$@"; }
# frame N FROM-LINE TO-LINE: a frame of one small message
frame() {
  local id="01JDF3M1S8W7Q2E5T9XK4V6B0$1" block message=$'Subject: x\n\nhi\n'
  shift
  block="$(printf '%s\n' "Mgw-Id: $id" "$@" 'Mgw-End:')"$'\n'
  printf 'MGW1 %s 1\n%s %s\n%s%sEND %s\n' "$id" "${#block}" "${#message}" "$block" "$message" "$id"
}
