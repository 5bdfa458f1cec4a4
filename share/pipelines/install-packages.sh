#!/bin/sh
# Installs what mgw is built from and runs with, on Debian 12; with "tests" as its argument also what the tests need.
# Asks apt only for what is missing, so that it costs nothing the second time and needs root only the first.
set -eu

build='build-essential cmake ninja-build pkg-config ccache mold scdoc
  libboost1.81-dev libboost-filesystem1.81-dev libcli11-dev libtomlplusplus-dev libfmt-dev nlohmann-json3-dev
  libmimetic-dev libssl-dev libgpgme-dev libspf2-dev libopendkim-dev libbsd-dev libopendmarc-dev libclamav-dev libc-ares-dev libpsl-dev
  publicsuffix libseccomp-dev libsqlite3-dev libhiredis-dev libcurl4-openssl-dev libzstd-dev zlib1g-dev libdb5.3-dev libunistring-dev libidn2-dev gnupg swaks openssl'
tests='bats procmail shellcheck mandoc man-db python3 libgtest-dev libbenchmark-dev libgmime-3.0-dev libyaml-cpp-dev strace
  opendkim-tools python3-dkim gpgv libclang-rt-19-dev clang-19 bash-completion zsh fish procps redis-server
  libnet-ssleay-perl libio-socket-ssl-perl jq postfix'

wanted=$build
[ "${1:-}" != tests ] || wanted="$build $tests"
missing=
for package in $wanted; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq >&2
# shellcheck disable=SC2086 # the list is meant to be split
$sudo apt-get install -y -qq --no-install-recommends $missing >&2
