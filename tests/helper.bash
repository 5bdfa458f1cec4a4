# Loaded by every bats file: finds the build, gives each test a home and a clock of its own.
MGW_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export MGW_ROOT
export MGW_BUILD="${MGW_BUILD:-$MGW_ROOT/build}"
export MGW_DATA="$MGW_ROOT/tests/data"
export MGW_SUITES="${MGW_SUITES:-$MGW_ROOT/../shared/suites}"
export PATH="$MGW_BUILD/bin:$PATH"
bats_require_minimum_version 1.8.0

# A test's home, key and records live in its own folder.
export HOME="${BATS_TEST_TMPDIR:-/tmp}"
export XDG_STATE_HOME="$HOME/state"
unset MGW_CONFIG GNUPGHOME
T="${BATS_TEST_TMPDIR:-/tmp}"

# golden CASE TOOL ARG...: feeds tests/CASE/in.eml, compares standard output, standard error and status with out.eml, err, status.
# UPDATE=1 writes them instead.
golden() {
  local case="$MGW_ROOT/tests/$1" status=0
  shift
  SOURCE_DATE_EPOCH=1764000000 "$@" --seed=1 <"$case/in.eml" >"$T/out" 2>"$T/err" || status=$?
  # the tag depends on this user's key
  sed -i 's/^\(Mgw-End: hmac-sha256=\)[0-9a-f]\{64\}/\1TAG/' "$T/out"
  if [ -n "${UPDATE:-}" ]; then
    cp "$T/out" "$case/out.eml"; cp "$T/err" "$case/err"; echo "$status" >"$case/status"
  fi
  diff -u --text "$case/out.eml" "$T/out" && diff -u "$case/err" "$T/err" && [ "$status" = "$(cat "$case/status")" ]
}

# mail NAME: a small complete message, LF line ends
mail() { printf 'From: alice@example.net\nTo: bob@example.org\nSubject: %s\nDate: Tue, 24 Nov 2026 05:47:35 +0000\nMessage-ID: <%s@example.net>\n\nhello\n' "$1" "$1"; }

# unstamped: a message on standard input without its envelope block and the fields that mgw adds above the rest
unstamped() { sed '1,/^Mgw-End:/{/^Mgw-/d}'; }

# free_port: a loopback port that nobody listens on now
free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
  local tries=$(( $1 * 20 )); shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1)); [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}
