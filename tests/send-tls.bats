load helper
load send-server

setup() { mkdir -p "$T/out" "$T/web"; }
teardown() { end_servers; }

@test "DANE: a certificate that the TLSA record names is taken without an authority" {
  authority; certificate "$T/pem" other.example
  serve 9 --cert "$T/pem"
  zone 'example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'example.org. SECURE' 'mx.example.org. SECURE' \
    "_$PORT._tcp.mx.example.org. 60 IN TLSA 3 1 1 $(digest "$T/pem")" "_$PORT._tcp.mx.example.org. SECURE"
  send --deliver="smtp:example.org:$PORT" --log="$T/log" < <(mail one)
  [ "$(head -1 "$T/out/1.env")" = '(TLS)' ]
  [ "$(jq -r '.tls[]' "$T/log")" = 'tlsa example.org mx.example.org success' ]
}

@test "DANE: another certificate defers, whatever else is configured" {
  authority; certificate "$T/pem" mx.example.org
  serve 9 --cert "$T/pem"
  zone 'example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'mx.example.org. SECURE' \
    "_$PORT._tcp.mx.example.org. 60 IN TLSA 3 1 1 $(printf %064d 0)" "_$PORT._tcp.mx.example.org. SECURE"
  echo 'example.org none' >"$T/levels"
  run -75 send --deliver="smtp:example.org:$PORT" --tls-ca="$T/ca.pem" --tls-policy="$T/levels" --log="$T/log" < <(mail one)
  [[ "$output" == *"451 4.7.5"*"1 of 1 TLSA records of _$PORT._tcp.mx.example.org can be used"* ]]
  [ ! -e "$T/out/1.eml" ]
  [ "$(jq -r '.tls[]' "$T/log")" = 'tlsa example.org mx.example.org validation-failure' ]
}

@test "DANE: an authority named by TLSA 2 1 1 needs the name as well" {
  authority; certificate "$T/pem" mx.example.org; certificate "$T/wrong" other.example
  ta="$(openssl x509 -in "$T/ca.pem" -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)"
  serve 9 --cert "$T/pem"; right="$PORT"
  serve 8 --cert "$T/wrong"; wrong="$PORT"
  zone 'example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'mx.example.org. SECURE' \
    "_$right._tcp.mx.example.org. 60 IN TLSA 2 1 1 $ta" "_$right._tcp.mx.example.org. SECURE" \
    "_$wrong._tcp.mx.example.org. 60 IN TLSA 2 1 1 $ta" "_$wrong._tcp.mx.example.org. SECURE"
  send --deliver="smtp:example.org:$right" < <(mail one)
  run -75 send --deliver="smtp:example.org:$wrong" < <(mail two)
  [[ "$output" == *"4.7.5"* ]]
}

@test "MTA-STS: an enforced policy asks for a verified exchanger, and is kept when its record goes" {
  authority; certificate "$T/pem" mx.example.org; certificate "$T/web.pem" mta-sts.example.org; certificate "$T/other.pem" other.example
  printf 'version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 86400\r\n' >"$T/policy"
  serve 9 --cert "$T/pem"; right="$PORT"
  serve 8 --cert "$T/other.pem"; wrong="$PORT"
  serve_policy "$T/web.pem"
  addresses=('example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'mta-sts.example.org. 60 IN A 127.0.0.1')
  zone "${addresses[@]}" '_mta-sts.example.org. 60 IN TXT "v=STSv1; id=1;"'
  sts=(--tls-ca="$T/ca.pem" --mta-sts-port="$WEB" --state="$T/state.db")
  send "${sts[@]}" --deliver="smtp:example.org:$right" --log="$T/log" < <(mail one)
  [ "$(cat "$T/web/path")" = "mta-sts.example.org:$WEB /.well-known/mta-sts.txt" ]
  [ "$(jq -r '.tls[]' "$T/log")" = 'sts example.org mx.example.org success' ]
  zone "${addresses[@]}"
  run -75 send "${sts[@]}" --deliver="smtp:example.org:$wrong" < <(mail two)
  [[ "$output" == *"451 4.7.5"*"ostname mismatch"*"mta-sts enforce: version 1, kept; there is no record now"* ]]
  [ "$(cat "$T/web/fetches")" -eq 1 ]
}

@test "MTA-STS: an exchanger that is not in the policy is not used" {
  authority; certificate "$T/pem" mx.example.org; certificate "$T/web.pem" mta-sts.example.org
  printf 'version: STSv1\nmode: enforce\nmx: *.mx.example.org\nmax_age: 86400\n' >"$T/policy"
  serve 9 --cert "$T/pem"
  serve_policy "$T/web.pem"
  zone 'example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'mta-sts.example.org. 60 IN A 127.0.0.1' \
    '_mta-sts.example.org. 60 IN TXT "v=STSv1; id=1;"'
  run -75 send --tls-ca="$T/ca.pem" --mta-sts-port="$WEB" --deliver="smtp:example.org:$PORT" < <(mail one)
  [[ "$output" == *"mx.example.org is no mail exchanger in the MTA-STS policy of example.org"* ]]
  run -75 send --tls-ca="$T/ca.pem" --mta-sts-port="$WEB" --deliver="smtp:example.org:$PORT" --log="$T/log" < <(mail one)
  [ "$(jq -r '.tls[]' "$T/log")" = 'sts example.org mx.example.org validation-failure' ]
}

@test "MTA-STS: no policy comes from an untrusted server, by a redirect, of another type, or of more than 64 KB" {
  authority; certificate "$T/pem" mx.example.org; certificate "$T/web.pem" mta-sts.example.org; certificate "$T/other.pem" other.example
  printf 'version: STSv1\nmode: enforce\nmx: nobody.example\nmax_age: 86400\n' >"$T/policy"
  serve 9 --cert "$T/pem"
  zone 'example.org. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1' 'mta-sts.example.org. 60 IN A 127.0.0.1' \
    '_mta-sts.example.org. 60 IN TXT "v=STSv1; id=1;"'
  try() {
    rm -f "$T/keepweb" "$T/portweb" "$T/log"; serve_policy "$@"
    send --tls-ca="$T/ca.pem" --mta-sts-port="$WEB" --deliver="smtp:example.org:$PORT" --log="$T/log" < <(mail one)
    exec 7>&-
    jq -r '.tls[0]' "$T/log"
  }
  [ "$(try "$T/other.pem")" = 'no-policy-found example.org mx.example.org sts-webpki-invalid' ]
  [ "$(try "$T/web.pem" --redirect "https://mta-sts.example.org/x")" = 'no-policy-found example.org mx.example.org sts-policy-fetch-error' ]
  [ "$(try "$T/web.pem" --type text/html)" = 'no-policy-found example.org mx.example.org sts-policy-fetch-error' ]
  [ "$(try "$T/web.pem" --status 404)" = 'no-policy-found example.org mx.example.org sts-policy-fetch-error' ]
  head -c 70000 /dev/zero | tr '\0' '\n' >>"$T/policy"
  [ "$(try "$T/web.pem")" = 'no-policy-found example.org mx.example.org sts-policy-fetch-error' ]
}

@test "a level by domain: verified where the file says so, in clear elsewhere" {
  serve 9
  printf 'example.org verify\n.example.org none\n' >"$T/levels"
  zone 'example.org. 60 IN A 127.0.0.1' 'sub.example.org. 60 IN A 127.0.0.1'
  run -75 send --tls-policy="$T/levels" --deliver="smtp:example.org:$PORT" < <(mail one)
  [[ "$output" == *"451 4.7.4 "*"TLS: verify ($T/levels:1)"* ]]
  send --tls-policy="$T/levels" --deliver="smtp:sub.example.org:$PORT" < <(mail one)
  run send --tls-policy="$T/levels" --dry-run --deliver="smtp:sub.example.org:$PORT" < <(mail one)
  [ "$output" = "<bob@example.org> would go to smtp:sub.example.org:$PORT by sub.example.org[127.0.0.1]:$PORT with TLS none ($T/levels:2)" ]
  echo 'example.org sometimes' >"$T/levels"
  run -78 send --tls-policy="$T/levels" --deliver="smtp:sub.example.org:$PORT" < <(mail one)
}

@test "TLS before the greeting: smtps" {
  authority; certificate "$T/pem" mx.example.org
  serve 9 --cert "$T/pem" --smtps
  zone 'mx.example.org. 60 IN A 127.0.0.1'
  send --deliver="smtps:[mx.example.org]:$PORT" --tls=verify --tls-ca="$T/ca.pem" < <(mail one)
  [ "$(head -1 "$T/out/1.env")" = '(TLS)' ]
  run -75 send --deliver="smtps:[127.0.0.1]:$PORT" --tls=verify --tls-ca="$T/ca.pem" < <(mail one)
  [[ "$output" == *"4.7.5"* ]]
}

@test "a TLS session is resumed by the next connection" {
  authority; certificate "$T/pem" mx.example.org
  serve 9 --cert "$T/pem" --mode stale
  zone 'mx.example.org. 60 IN A 127.0.0.1'
  mail one >"$T/m1"; mail two >"$T/m2"; mail three >"$T/m3"
  send --deliver="smtp:[mx.example.org]:$PORT" --tls=verify --tls-ca="$T/ca.pem" --destination-connections=1 "$T/m1" "$T/m2" "$T/m3"
  [ "$(cat "$T/out/connections")" -eq 3 ]
  [ "$(cat "$T/out/resumed")" -eq 2 ]
}

@test "one exchanger that refuses us and one that is away: the mail waits" {
  serve 9 --mode greet-554 --address 127.0.0.2
  zone 'example.org. 60 IN MX 10 away.example.org.' 'example.org. 60 IN MX 20 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.2' \
    'away.example.org. 60 IN A 127.0.0.3'
  run -75 send --deliver="smtp:example.org:$PORT" < <(mail one)
  [[ "$output" == *"451 4.4.1 away.example.org[127.0.0.3]:$PORT: cannot connect"* ]]
  zone 'example.org. 60 IN MX 20 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.2'
  run -77 send --deliver="smtp:example.org:$PORT" < <(mail one)
}

@test "a domain outside ASCII is looked up by its A-labels" {
  serve 9
  zone 'xn--bcher-kva.example. 60 IN MX 10 mx.example.org.' 'mx.example.org. 60 IN A 127.0.0.1'
  run mgw-send --from=alice@example.net --to=b@bücher.example --deliver=mx --dry-run --dns-zone="$T/zone" < <(mail one)
  [[ "$output" == *"would go to smtp:xn--bcher-kva.example:25 by mx.example.org[127.0.0.1]:25"* ]]
}

@test "connections come from the address of --source" {
  serve 9
  zone '@ 60 IN A 127.0.0.1'
  send --deliver="smtp:[127.0.0.1]:$PORT" --source=127.0.0.9 --source=::1 < <(mail one)
  [ "$(cat "$T/out/peer")" = 127.0.0.9 ]
  serve 8 --address ::1
  send --deliver="smtp:[::1]:$PORT" --source=127.0.0.9 < <(mail one)
  run -64 send --deliver="smtp:[127.0.0.1]:$PORT" --source=127.0.0.9 --source=127.0.0.8 < <(mail one)
  run -64 send --deliver="smtp:[127.0.0.1]:$PORT" --source=host < <(mail one)
}
