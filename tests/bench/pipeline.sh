#!/bin/sh
# Messages a second through the whole inbound pipeline, and where the milliseconds go, stage by stage: lanes against --per-message,
# with Postfix's own smtpd and queue as the yardstick in the same run, and the start-up CPU of each tool.
#   sh tests/bench/pipeline.sh [MESSAGES]        default 2000; needs the packages postfix, procmail and maildrop; Postfix's part needs root
# MGW_BUILD names the build to measure; without it a release build is made in build-release.
set -eu
cd "$(dirname "$0")/../.."
for program in smtp-source postfix procmail maildrop; do
  PATH=$PATH:/usr/sbin command -v $program >/dev/null || { echo "$program is missing: apt-get install postfix procmail maildrop" >&2; exit 1; }
done
if [ -z "${MGW_BUILD:-}" ]; then
  cmake --preset release >/dev/null
  cmake --build --preset release >/dev/null
  MGW_BUILD=$PWD/build-release
fi
export MGW_BUILD PATH="$PATH:/usr/sbin"
exec python3 tests/bench/pipeline.py "${1:-2000}"
