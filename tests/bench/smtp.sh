#!/bin/sh
# The two ends of the gateway beside Postfix in the same run, as root: messages a second received and safe on disk at 1, 10, 50 and 200
# sessions, with CPU by program; messages a second sent from the queue; what idle connections cost.
#   sh tests/bench/smtp.sh [MESSAGES [QUEUED [IDLE]]]        default 2000 10000 10000
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/build.sh
exec python3 tests/bench/smtp.py "${1:-2000}" "${2:-10000}" "${3:-10000}"
