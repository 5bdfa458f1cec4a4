#!/bin/sh
# Builds fuzz targets with clang 19 (AddressSanitizer, UndefinedBehaviorSanitizer) and runs each on its corpus:
#   sh tests/fuzz/run.sh [SECONDS [TARGET...]]     seconds for each target, 60 if not given; every target if none is named
# One line for each target; status 1 if one crashed, hung or ran out of memory. New inputs and what crashed stay in build-fuzz/.
set -eu
seconds=${1:-60}
case $seconds in '' | *[!0-9]*) echo "usage: sh tests/fuzz/run.sh [SECONDS [TARGET...]]" >&2; exit 64 ;; esac
[ $# -eq 0 ] || shift
cd "$(dirname "$0")/../.."
build=$PWD/build-fuzz
mkdir -p "$build"
goals=fuzzers
if [ $# -gt 0 ]; then goals=$(printf '%s_fuzz ' "$@"); else
  # shellcheck disable=SC2046 # file names of ours, without blanks
  set -- $(find tests/fuzz -maxdepth 1 -name '*_fuzz.cpp' | sed 's|.*/\(.*\)_fuzz\.cpp|\1|' | sort)
fi
# shellcheck disable=SC2086 # goals are words
{
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMGW_FUZZ=ON \
    -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 && ninja -C "$build" $goals
} >"$build/build.log" 2>&1 || { tail -n 60 "$build/build.log" >&2; exit 1; }

cat >"$build/one.sh" <<'EOF'
name=$1; seconds=$2; build=$3
new=$build/corpus/$name; found=$build/crashes; log=$build/$name.log
mkdir -p "$new" "$found" "tests/fuzz/corpus/$name"
seeds=tests/fuzz/corpus/$name
[ "$name" != readings ] || seeds="$seeds tests/fuzz/corpus/message"
# shellcheck disable=SC2086 # seeds are words
status=0
"$build/bin/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
  -artifact_prefix="$found/$name-" "$new" $seeds >"$log" 2>&1 || status=$?
if [ "$status" -eq 0 ]; then
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  points=$(sed -n 's/^#.*DONE *cov: \([0-9]*\).*/\1/p' "$log")
  # a fuzzer that runs nothing or reaches nothing is broken, not good
  [ "${runs:-0}" -gt 0 ] && [ "${points:-0}" -gt 0 ] && { echo "$name: ok, $runs runs, $points points reached"; exit 0; }
  echo "$name: ran nothing, see $log"
else
  echo "$name: FAILED, $(sed -n 's/^SUMMARY: //p' "$log" | head -n 1), input $(sed -n 's/.*Test unit written to //p' "$log" | head -n 1), see $log"
fi
exit 1
EOF
# xargs ends with 123 when one of them failed
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} sh "$build/one.sh" {} "$seconds" "$build" || exit 1
