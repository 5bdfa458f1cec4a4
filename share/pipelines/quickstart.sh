#!/bin/sh
# The whole gateway on one machine, without a service, a configuration or a network: installs what is missing, builds, receives four
# real messages over SMTP, decides, queues, delivers, and says what happened to each and why.
#   sh share/pipelines/quickstart.sh
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
here=$root/share/pipelines

if [ -z "${MGW_BUILD:-}" ]; then
  sh "$here/install-packages.sh"
  MGW_BUILD=$root/build-quickstart
  echo "building in $MGW_BUILD (a few minutes the first time)"
  cmake -S "$root" -B "$MGW_BUILD" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMGW_TESTS=OFF >"$root/build-quickstart.log" 2>&1 &&
    cmake --build "$MGW_BUILD" >>"$root/build-quickstart.log" 2>&1 ||
    { tail -n 40 "$root/build-quickstart.log" >&2; exit 1; }
  rm -f "$root/build-quickstart.log"
fi
PATH=$MGW_BUILD/bin:$PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/mgw-quickstart.XXXXXX")
export XDG_STATE_HOME="$work/state" MGW_LOG="$work/records.json"
receiver=
cleanup() {
  if [ -n "$receiver" ]; then kill "$receiver" 2>/dev/null || true; wait "$receiver" 2>/dev/null || true; fi
  [ -n "${MGW_KEEP:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# The gateway: receive, measure, decide, route, keep.
mgw-recv --listen 127.0.0.1:0 --port-file "$work/port" --hostname mx.example.org \
  --pipeline "mgw-auth --authserv-id mx.example.org --dns-zone $here/quickstart/zone.db |
              mgw-scan --database $root/share/clamav |
              mgw-filter $here/inbound.sieve |
              mgw-route --relay maildir:$work/Maildir |
              mgw-queue add --spool $work/spool" 2>"$work/recv.err" &
receiver=$!
tries=300
until [ -s "$work/port" ]; do
  tries=$((tries - 1))
  kill -0 "$receiver" 2>/dev/null && [ "$tries" -gt 0 ] || { cat "$work/recv.err" >&2; exit 1; }
  sleep 0.1
done
port=$(cat "$work/port")
echo "mgw-recv listens on 127.0.0.1:$port; four messages arrive by SMTP:"
echo

# send NAME SENDER: one message by a real SMTP client; its reply carries the id that all records share
send() {
  swaks --server 127.0.0.1 --port "$port" --helo client.example --from "$2" --to bob@example.org \
    --data "$here/quickstart/$1.eml" --suppress-data >"$work/$1.session" 2>&1 || true
  reply=$(sed -n 's/^<\(-  \|\*\* \|~  \) *\([245][0-9][0-9] .*\)$/\2/p' "$work/$1.session" | tail -n 2 | head -n 1)
  printf '%-12s %s\n' "$1" "$reply"
}
send clean alice@example.net
send spoofed mallory@spoofer.example
send eicar-zip carol@example.com
send exe carol@example.com

echo
echo "delivery by mgw-queue run and mgw-send:"
mgw-queue run --once --spool "$work/spool" --send "mgw-send --maildir $work/Maildir"
for mail in "$work"/Maildir/new/*; do
  [ -e "$mail" ] || { echo "nothing was delivered" >&2; exit 1; }
  printf 'in the Maildir: %s\n' "$(sed -n 's/^Subject: //p' "$mail" | head -n 1)"
done

echo
echo "what happened to each, and why (mgw-monitor trace):"
for name in clean spoofed eicar-zip exe; do
  id=$(grep -o '[0-7][0-9A-HJKMNP-TV-Z]\{25\}' "$work/$name.session" | tail -n 1)
  echo
  echo "$name:"
  mgw-monitor trace "$id" "$work/records.json" | sed 's/^/  /'
done
