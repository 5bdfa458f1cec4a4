#!/bin/sh
# Messages a second through the whole inbound pipeline, and where the milliseconds go, stage by stage: lanes against --per-message,
# with Postfix's own smtpd and queue as the yardstick in the same run, and the start-up CPU of each tool.
#   sh tests/bench/pipeline.sh [MESSAGES]        default 2000; Postfix's part needs root
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/build.sh
exec python3 tests/bench/pipeline.py "${1:-2000}"
