# The conformance drivers over test material of other people (MGW_SUITES), where it is present, and over our own.
load helper

# suite DRIVER PATH...: the driver passes whole, or there is nothing to run it on
suite() {
  local driver=$1; shift
  [ -e "$1" ] || skip "no suite in $1"
  run "$MGW_ROOT/tests/conformance/$driver" "$@"
  echo "$output" | tail -n 20
  [ "$status" -eq 0 ]
  [[ "${lines[-1]}" =~ ^[1-9][0-9]*\ passed,\ 0\ failed$ ]]
}

@test "SPF: every case of the RFC 7208 suite, results and explanations" { suite spf "$MGW_SUITES/spf/rfc7208-tests.yml"; }
@test "DKIM: examples of the RFCs and real signed mail" { suite dkim "$MGW_SUITES/dkim"; }
@test "DMARC: alignment and tree walk" { suite dmarc "$MGW_SUITES/dmarc"; }
@test "public suffixes" { suite psl "$MGW_SUITES/psl"; }
@test "hidden files: the union of readings finds nearly all contents and names" {
  [ -e "$MGW_SUITES/mime/noxxi-mime-is-broken" ] || skip "no suite"
  run "$MGW_ROOT/tests/conformance/evasion" "$MGW_SUITES/mime/noxxi-mime-is-broken"
  echo "$output"
  [[ "${lines[-1]}" =~ ^([1-9][0-9]*)\ passed,\ ([0-9]+)\ failed$ ]]
  [ "$((BASH_REMATCH[1] * 100))" -ge "$(((BASH_REMATCH[1] + BASH_REMATCH[2]) * 95))" ]
  [[ "${lines[-2]}" =~ ^file\ names:\ ([1-9][0-9]*)\ found,\ ([0-9]+)\ not\ found$ ]]
  [ "$((BASH_REMATCH[1] * 100))" -ge "$(((BASH_REMATCH[1] + BASH_REMATCH[2]) * 95))" ]
}
@test "mboxes are cut where other readers cut them, but for reasons that are known" { suite mbox "$MGW_SUITES/mime"; }
@test "no annotating tool changes an octet of our own samples" { suite bytes "$MGW_ROOT/tests/data" "$MGW_ROOT/share/pipelines/quickstart"; }
@test "no annotating tool changes an octet of real and hostile mail" {
  [ -z "${MGW_QUICK:-}" ] || skip "takes minutes"
  suite bytes "$MGW_SUITES/mime"
}
@test "what the tools add to our own samples can be undone and done again" { suite undo "$MGW_ROOT/tests/data" "$MGW_ROOT/share/pipelines/quickstart"; }
@test "what the tools add to real and hostile mail can be undone and done again" {
  [ -z "${MGW_QUICK:-}" ] || skip "takes minutes"
  suite undo "$MGW_SUITES/mime"
}
@test "a driver fails where a tool changes octets" {
  mkdir -p "$T/bin"
  for tool in mgw-auth mgw-filter mgw-route; do
    printf '#!/bin/sh\n"%s/bin/%s" "$@" | sed "s/hello/hullo/"\n' "$MGW_BUILD" "$tool" >"$T/bin/$tool"; chmod +x "$T/bin/$tool"
  done
  mail x >"$T/x.eml"
  MGW_BUILD=$T run "$MGW_ROOT/tests/conformance/bytes" "$T/x.eml"
  [ "$status" -eq 1 ]
  [ "${lines[-1]}" = "0 passed, 1 failed" ]
}

@test "part trees: every difference to GMime, in our own samples and in real and hostile mail, has its reason" {
  [ -x "$MGW_BUILD/bin/part-trees" ] || skip "built without GMime"
  suite mime-peers "$MGW_ROOT/tests/data" "$MGW_ROOT/share/pipelines/quickstart" "$MGW_ROOT/tests/fuzz/corpus/message"
  suite mime-peers "$MGW_SUITES/mime"
}
@test "the comparison fails where a tree differs without a reason" {
  [ -x "$MGW_BUILD/bin/part-trees" ] || skip "built without GMime"
  mkdir -p "$T/bin"
  printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: x/y; name=z\n\ntwo\n--b--\n' >"$T/x.eml"
  run "$MGW_ROOT/tests/conformance/mime-peers" "$T/x.eml"
  [ "${lines[-1]}" = "1 passed, 0 failed" ]
  local change
  for change in 's/"depth":1/"depth":2/g' 's,x/y,x/x,' 's/\["z"\]/["y"]/' 's/"sha256":"/&0/'; do
    # what mgw says is changed, what GMime says is not
    printf '#!/bin/sh\nif [ "$1" = mgw ]; then "%s/bin/part-trees" "$@" | sed '"'%s'"'; else "%s/bin/part-trees" "$@"; fi\n' \
      "$MGW_BUILD" "$change" "$MGW_BUILD" >"$T/bin/part-trees"
    chmod +x "$T/bin/part-trees"
    MGW_BUILD=$T run "$MGW_ROOT/tests/conformance/mime-peers" "$T/x.eml"
    [ "$status" -eq 1 ]
    [ "${lines[-1]}" = "0 passed, 1 failed" ]
  done
}
