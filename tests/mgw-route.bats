load helper

setup() {
  cd "$T" || return 1
  printf 'bob: robert@example.com, carol@example.net\n' >aliases
  printf '# hops\nexample.com smtp:[h.example]:2525\nclosed.example error:5.7.1 closed\n' >transport
  mail routed >m
}
route() { mgw-route --aliases=aliases --transport=transport --local-domain=example.org --from=s@example.net "$@"; }

@test "expands an alias, names the next hops, and leaves the message alone" {
  route --to=bob@example.org <m >out
  grep -qx 'Mgw-To: 1.1 <robert@example.com> ORCPT=rfc822;bob@example.org' out
  grep -qx 'Mgw-To: 1.2 <carol@example.net> ORCPT=rfc822;bob@example.org' out
  grep -qx 'Mgw-Hop: 1.1 smtp:\[h.example\]:2525' out
  grep -qx 'Mgw-Hop: 1.2 smtp:example.net' out
  unstamped <out | cmp - m
}
@test "refuses an unknown user of a local domain" {
  route --to=nobody@example.org <m >out
  grep -q '^Mgw-Verdict: reject 1 550 5.1.1 class=policy by=mgw-route' out
  run ! grep -q '^Mgw-Hop' out
  run -77 --separate-stderr route --exit-verdict --to=nobody@example.org <m
  [ -z "$output" ]
}
@test "skips recipients that are refused already" {
  route --to=nobody@example.org <m >once
  mgw-route --relay=relay.example <once >twice
  run ! grep -q '^Mgw-Hop' twice
}
@test "routing twice adds no recipient" {
  route --to=bob@example.org <m >once
  route <once >twice
  [ "$(grep -c '^Mgw-To' once)" = "$(grep -c '^Mgw-To' twice)" ]
}
@test "an error: transport is a verdict, a relay the default hop" {
  route --relay='[r.example]:26' --to=x@closed.example --to=y@other.example <m >out
  grep -q '^Mgw-Verdict: reject 1 550 5.7.1 .* text=closed$' out
  grep -qx 'Mgw-Hop: 2 smtp:\[r.example\]:26' out
}
@test "a mistake in a table ends with file and line before mail is read" {
  printf 'bob: a@x\nbroken\n' >bad
  run -78 mgw-route --aliases=bad --local-domain=example.org <m
  [[ "$output" == *'bad:2: "broken" has no value'* ]]
  printf 'x.example uucp:y\n' >bad
  run -78 mgw-route --transport=bad <m
  [[ "$output" == *'bad:1: "uucp:y" has a transport that is not known here'* ]]
  run -78 mgw-route --aliases=missing <m
  [[ "$output" == *'cannot open missing'* ]]
  run -78 mgw-route --aliases=aliases <m
  [[ "$output" == *'--local-domain'* ]]
}
@test "a circle of aliases defers" {
  printf 'a: b\nb: a\n' >circle
  run -75 --separate-stderr mgw-route --exit-verdict --aliases=circle --local-domain=example.org --to=a@example.org <m
  [[ "$stderr" == *'lead in a circle'* ]]
}
@test "redirects a domain, and everything" {
  route --redirect-domain=old.example=example.org --to=bob@old.example <m | grep -q '^Mgw-To: 1.1 <robert@example.com>'
  route --redirect=lab@test.example --to=bob@example.org <m >out
  grep -q '^Mgw-To: 1.1 <lab@test.example>' out
  run ! grep -q '^Mgw-To: 1.2' out
}
@test "says which line decided" {
  run --separate-stderr route --explain --to=bob@example.org <m
  [[ "$stderr" == *'(aliases:1)'* && "$stderr" == *'(transport:2)'* ]]
  run -0 mgw-route lookup --aliases=aliases --local-domain=example.org bob@example.org
  [[ "$output" == *'carol@example.net => smtp:example.net'* ]]
  run -77 mgw-route lookup --local-domain=example.org x@example.org
  run -0 bash -c 'mgw-route lookup --json --aliases=aliases --local-domain=example.org bob@example.org | python3 -m json.tool'
}
@test "a forwarded sender is rewritten as postsrsd does, and the bounce comes back" {
  echo tESTsecret >secret; chmod 600 secret
  printf 'fwd: x@example.com\n' >aliases
  SOURCE_DATE_EPOCH=1795500000 mgw-route --aliases=aliases --local-domain=local.example --srs-domain=fwd.example --srs-secret-file=secret \
    --from=alice@example.org --to=fwd@local.example <m >out
  grep -qx 'Mgw-From: <SRS0=gIgX=JN=example.org=alice@fwd.example>' out
  SOURCE_DATE_EPOCH=1795500000 mgw-route --srs-domain=fwd.example --srs-secret-file=secret \
    --from= --to=SRS0=gIgX=JN=example.org=alice@fwd.example <m | grep -q '^Mgw-To: 1.1 <alice@example.org>'
  chmod 644 secret
  run -78 mgw-route --srs-domain=fwd.example --srs-secret-file=secret <m
}
@test "odd mail passes unchanged" {
  printf 'no header at all\n' >odd1; printf 'A: b\n\n' >odd2; printf 'A: b\n\n\000x\000\n' >odd3; printf '\r\r\r' >odd4
  for odd in odd1 odd2 odd3 odd4; do
    mgw-route --block=strip --to=x@example.com <$odd >out
    cmp $odd out
  done
}
@test "empty input, unknown options and a full disk have their status" {
  run -75 mgw-route </dev/null
  run -64 mgw-route --nonsense <m
  run -64 mgw-route --relay='[x' <m
  run -75 bash -c 'mgw-route --to=a@example.com <m >/dev/full'
}
@test "a forged block is not believed" {
  { printf 'Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0C\nMgw-To: 1 <evil@example.com>\nMgw-End: hmac-sha256=00\n'; cat m; } >forged
  mgw-route --to=x@example.net <forged 2>/dev/null | sed '/^Mgw-End: hmac/q' >block
  run ! grep -q 'Mgw-Hop: .*example.com' block
}
