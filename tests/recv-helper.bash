# shellcheck disable=SC2034 # what is set here is for the bats files
# For the bats files of mgw-recv's server: one lane of a test, servers in the background, a client.
recv_setup() {
  BIN="$MGW_DATA/recv/bin"
  KEEP="$T/keep"
  mkdir -p "$KEEP"
  SINK="$BIN/sink --keep=$KEEP"
  QUEUE="$BIN/mgw-queue add --keep=$KEEP" # a sink that takes several recipients
  PIDS=()
}

recv_teardown() {
  local pid
  for pid in "${PIDS[@]}"; do
    kill "$pid" 2>/dev/null && wait "$pid" || : # gone already, or ended by the signal: both are good
  done
}

# serve OPTION...: a server in the background, with the listeners that the options name; its ports in PORTS, the first in PORT; PID
serve() {
  rm -f "$T/port"
  mgw-recv --port-file "$T/port" --hostname mx.example --pipeline "$SINK" "$@" </dev/null >"$T/server.out" 2>"$T/server.err" 3>&- &
  PID=$!
  PIDS+=("$PID")
  wait_for 10 test -s "$T/port" || { cat "$T/server.err"; return 1; }
  mapfile -t PORTS <"$T/port"
  PORT="${PORTS[0]}"
}

# certificate NAME [FILE]: FILE.cert and FILE.key, self-signed for NAME
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
    -keyout "$T/${2:-$1}.key" -out "$T/${2:-$1}.cert" 2>/dev/null
}
