#!/bin/sh
# Read by the measurements that need whole programs: checks that the packages are there, and makes a release build unless MGW_BUILD names one.
for program in smtp-source postfix procmail maildrop; do
  PATH=$PATH:/usr/sbin command -v $program >/dev/null || { echo "$program is missing: apt-get install postfix procmail maildrop" >&2; exit 1; }
done
if [ -z "${MGW_BUILD:-}" ]; then
  cmake --preset release >/dev/null
  cmake --build --preset release >/dev/null
  MGW_BUILD=$PWD/build-release
fi
export MGW_BUILD PATH="$PATH:/usr/sbin"
