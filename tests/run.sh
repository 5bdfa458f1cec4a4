#!/bin/sh
# Installs what the tests need, builds, and runs every test: sh tests/run.sh
# The part that takes minutes only:                        sh tests/run.sh quick
# Ends with one line: N passed, N failed, N skipped
set -eu
cd "$(dirname "$0")/.."
mode=${1:-full}
root=$PWD
sh share/pipelines/install-packages.sh tests

cmake --preset dev >build-dev.log 2>&1 || { cat build-dev.log; exit 1; }
ninja -C build >>build-dev.log 2>&1 || { tail -n 60 build-dev.log; exit 1; }
rm -f build-dev.log
export MGW_BUILD="$root/build"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# unit_tests FOLDER: every GoogleTest program, its cases counted
unit_tests() {
  for program in "$1"/bin/*_test; do
    name=$(basename "$program")
    status=0
    "$program" --gtest_brief=1 >"$results/$2$name.out" 2>&1 || status=$?
    passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$results/$2$name.out")
    failed=$(sed -n 's/^ *\([0-9]*\) FAILED TESTS*$/\1/p' "$results/$2$name.out")
    [ "$status" -eq 0 ] || [ -n "$failed" ] || failed=1
    [ "$status" -eq 0 ] || cat "$results/$2$name.out"
    echo "${passed:-0} ${failed:-0} 0" >"$results/$2$name.count"
    echo "$2$name: ${passed:-0} passed, ${failed:-0} failed"
  done
}

# bats_file FILE: one file of behaviour tests, TAP kept, cases counted
cat >"$results/bats-file.sh" <<'EOF'
file=$1; results=$2; name=$(basename "$file"); begin=$(date +%s)
bats --tap "$file" >"$results/$name.tap" 2>&1; status=$?
skipped=$(grep -c '^ok .* # skip' "$results/$name.tap")
passed=$(($(grep -c '^ok ' "$results/$name.tap") - skipped))
failed=$(grep -c '^not ok ' "$results/$name.tap")
[ $status -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "$failed" -eq 0 ] || sed -n '/^not ok/,/^ok/p' "$results/$name.tap" | grep -v '^ok'
grep '^ok .* # skip' "$results/$name.tap"
echo "$passed $failed $skipped" >"$results/$name.count"
echo "$name: $passed passed, $failed failed, $skipped skipped ($(($(date +%s) - begin)) s)"
EOF

unit_tests "$root/build" ""
if [ "$mode" = quick ]; then export MGW_QUICK=1; fi
find tests -maxdepth 1 -name '*.bats' | sort | xargs -P 2 -I{} sh "$results/bats-file.sh" {} "$results"

if [ "$mode" != quick ]; then
  # the same unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
  cmake --preset asan >/dev/null
  if ninja -C build-asan >"$results/asan.log" 2>&1; then
    export ASAN_OPTIONS=fast_unwind_on_malloc=0 LSAN_OPTIONS="suppressions=$root/tests/lsan.supp:print_suppressions=0"
    unit_tests "$root/build-asan" asan-
  else
    tail -n 40 "$results/asan.log"
    echo "0 1 0" >"$results/asan.count"
  fi

  # the fuzz targets of the mail library alone, some seconds each
  targets=$(grep -LP '#include "lib/(?!mail/|core/)' tests/fuzz/*_fuzz.cpp | sed 's|.*/\(.*\)_fuzz\.cpp|\1|')
  # shellcheck disable=SC2086 # names are words
  # each target that does not say "ok" is counted as failed below, also where nothing could be built
  sh tests/fuzz/run.sh 4 $targets >"$results/fuzz.out" 2>&1 || true
  sed 's/^/fuzz /' "$results/fuzz.out"
  passed=$(grep -c ': ok, ' "$results/fuzz.out") || true
  echo "$passed $(($(echo "$targets" | wc -l) - passed)) 0" >"$results/fuzz.count"
fi

cat "$results"/*.count | awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }'
