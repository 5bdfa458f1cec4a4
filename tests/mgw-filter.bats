load helper

setup() { cd "$T" || return; mail one >m; }
policy() { printf '%s\n' "$@" >p.sieve; }

@test "without a decision the message comes out as it went in" {
  policy 'keep;'
  mgw-filter p.sieve <m | unstamped >out
  cmp m out
}

@test "a refusal becomes a verdict that names its line" {
  policy 'require "ereject";' 'if header :contains "subject" "one" { ereject "No ones"; }'
  mgw-filter --to=bob@example.org p.sieve <m >out
  grep -Fx 'Mgw-Verdict: reject * 550 5.7.1 class=policy by=mgw-filter at=p.sieve:2 text=No ones' out
}

@test "without mgw-scan attachments inside winmail.dat have their names all the same" {
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :name :matches "*invoice.com" { ereject "No programs"; }'
  mgw-filter --to=bob@example.org p.sieve <"$MGW_DATA/scan/winmail.eml" >out
  grep -a '^Mgw-Verdict: reject .*text=No programs' out
}

@test "attachments beyond the limit defer a message that a policy on attachments would let pass" {
  { printf 'From: a@example.net\nContent-Type: multipart/mixed; boundary=b\n\n'
    for i in $(seq 1100); do printf -- '--b\nContent-Type: text/plain; name=%d.txt\n\nx\n' "$i"; done
    printf -- '--b\nContent-Type: application/x-thing; name=setup.exe\n\nMZ\n--b--\n'; } >many
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*.exe" { ereject "No programs"; }'
  run -75 --separate-stderr mgw-filter --explain p.sieve <many
  [ -z "$output" ]
  printf '%s\n' "$stderr" >err
  grep -q 'p.sieve:2: the message has more attachments than the limits admit' err
}

@test "without mgw-scan files of a message that is attached as a file are attachments" {
  { printf 'From: a@example.net\nContent-Type: application/octet-stream; name=x.eml\nContent-Transfer-Encoding: base64\n\n'
    printf 'Content-Type: application/x-thing; name=setup.exe\n\nMZ\n' | base64; } >eml
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*.exe" { ereject "No programs"; }'
  mgw-filter p.sieve <eml | grep -q '^Mgw-Verdict: reject'
}

@test "a description that ends like a file names an attachment, and what a page decodes is one" {
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*.exe" { ereject "No programs"; }'
  printf 'From: a@example.net\nContent-Type: application/x-thing\nContent-Description: setup.exe\n\nMZ\n' >m
  mgw-filter p.sieve <m | grep -q '^Mgw-Verdict: reject'
  policy 'require ["ereject", "vnd.mgw.result", "vnd.mgw.attachment"];' 'if attachment :truetype :contains "executable" { ereject "No programs"; }'
  printf "From: a@example.net\nContent-Type: text/html\n\n<script>save(atob('%s'))</script>\n" "$(base64 -w0 /bin/true)" >m
  mgw-scan --database=none <m | mgw-filter p.sieve | grep -aq '^Mgw-Verdict: reject'
}

@test "without mgw-scan a file that stands in encoded text is an attachment" {
  { printf 'From: a@example.net\nSubject: x\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n'
    printf 'begin 644 setup.exe\n#0V%%T\n`\nend\n' | base64; } >hidden
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*.exe" { ereject "No programs"; }'
  mgw-filter p.sieve <hidden >out
  grep -q '^Mgw-Verdict: reject \* 550' out
}

@test "an attachment counts by the name that it has once it is saved, too" {
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*.exe" { ereject "No programs"; }'
  for name in 'setup.exe.' 'setup.exe  ' 'setup.exe. .' 'setup.exe::$DATA' 'setup.exe\0.txt'; do
    printf "From: a@example.net\nSubject: x\nContent-Type: application/x-thing\nContent-Disposition: attachment; filename=\"$name\"\n\nx\n" >hidden
    mgw-filter p.sieve <hidden >out
    grep -q '^Mgw-Verdict: reject \* 550' out || { echo "$name"; return 1; }
    mgw-scan --database=none <hidden | mgw-filter p.sieve >out
    grep -aq '^Mgw-Verdict: reject \* 550' out || { echo "scanned: $name"; return 1; }
  done
}

@test "foreign names in messages to people command no terminal" {
  printf 'From: a@example.net\nSubject: x\nContent-Type: application/x-thing; name="a\xe2\x80\xae\xc2\x9bexe"\n\nx\n' >m
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*exe" { ereject "No programs"; }'
  { mgw-scan --explain --database=none <m | mgw-filter --explain p.sieve >/dev/null; } 2>err
  grep -q exe err
  run mgw-filter p.sieve $'none\x1b[31m\xe2\x80\xae'
  printf '%s\n' "$output" >>err
  grep -aqF '\x1b[31m' err
  ! LC_ALL=C grep -aq -e $'\x1b' -e $'\xe2\x80\xae' -e $'\xc2\x9b' err
}

@test "--json says what came of each message, a line each" {
  policy 'require "ereject";' 'if header :contains "subject" "two" { ereject "No twos"; }'
  mgw-filter --json p.sieve <m >out 2>err
  [ "$(jq -c '[.source,.verdict,.class]' err)" = '["standard input","accept",null]' ]
  mkdir folder; mail one >folder/1; mail two >folder/2
  mgw-filter --json --explain p.sieve folder >out 2>err
  [ "$(jq -r .verdict err | sort | xargs)" = "accept reject" ]
  jq -se '.[] | select(.verdict == "reject") | .code == 550 and .enhanced == "5.7.1" and .at == "p.sieve:2" and .reason == "No twos"
          and (.source | endswith("folder/2")) and (.explain | length > 0)' err
  mgw-filter --json --each false <m >out 2>err || [ $? = 75 ]
  head -1 err | jq -e '.verdict == "defer" and (.error | length > 0)'
  printf 'From: a@example.net\nContent-Type: application/x-thing; name="a\xe2\x80\xae\xef\xbb\xbfexe"\n\nx\n' >m
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*exe" { ereject "No programs"; }'
  mgw-filter --json --explain p.sieve <m >out 2>err
  grep -qF '\u202e\ufeffexe' err
}

@test "a mistyped command is answered with the right ones" {
  for name in part dif undoo parst; do
    run -78 --separate-stderr mgw-filter "$name" m
    [[ "$stderr" == *"the commands are parts, diff, undo and redo"* ]]
  done
  run -78 --separate-stderr mgw-filter nosuch m
  [[ "$stderr" != *"the commands are"* ]]
}

@test "the policy's hash is in the results" {
  policy 'keep;'
  mgw-filter p.sieve <m >out
  grep -Fx "Mgw-Result: mgw-filter policy=$(sha256sum <p.sieve | cut -d' ' -f1)" out
}

@test "an attachment that only a lenient reading shows is an attachment" {
  { printf 'From: a@example.net\nSubject: x\nContent-Type: multipart/mixed\n\n--b\n\nhello\n--b\nContent-Type: application/x-thing\n'
    printf 'Content-Disposition: attachment; filename*1=exe; filename*0=setup.\n\nx\n--b--\n'; } >hidden
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :matches "*.exe" { ereject "No programs"; }'
  mgw-filter p.sieve <hidden >out
  grep -q '^Mgw-Verdict: reject \* 550' out
  policy 'require ["ereject", "vnd.mgw.attachment"];' 'if attachment :type "application/x-thing" { ereject "No things"; }'
  mgw-filter p.sieve <hidden >out
  grep -q '^Mgw-Verdict: reject \* 550' out
  mgw-filter p.sieve <m | unstamped | cmp - m
}

@test "with --exit-verdict a refusal is status 77 and prints nothing" {
  policy 'discard;'
  run -77 --separate-stderr mgw-filter --exit-verdict p.sieve <m
  [ -z "$output" ]
  [ "$stderr" = 'mgw-filter: discard: Discarded by policy (p.sieve:1)' ]
}

@test "a policy that looks at recipients decides for each" {
  policy 'require ["envelope","ereject"];' 'if envelope "to" "bob@example.org" { ereject "No"; }'
  mgw-filter --to=bob@example.org --to=carol@example.org p.sieve <m >out
  grep -q '^Mgw-Verdict: reject 1 550' out
}

@test "an error in the policy is found before mail is read, with line and column" {
  policy 'keep;' '  frobnicate "x";'
  run -78 --separate-stderr mgw-filter p.sieve <m
  [ -z "$output" ]
  [[ "$stderr" == *'p.sieve:2:3: unknown command "frobnicate"'* ]]
}

@test "--check reports all errors and reads no mail" {
  policy 'frob;' 'fileinto "x";'
  run -78 --separate-stderr mgw-filter --check p.sieve
  [[ "$stderr" == *p.sieve:1:1:*p.sieve:2:1:* ]]
  policy 'keep;'
  run -0 mgw-filter --check p.sieve
}

@test "a missing policy is a configuration error" {
  run -78 mgw-filter no-such.sieve <m
  run -64 mgw-filter </dev/null
}

@test "--explain tells what each test saw" {
  policy 'if header :is "subject" "one" { discard; }'
  run -0 --separate-stderr mgw-filter --explain p.sieve <m
  [[ "$stderr" == *'p.sieve:1: header :is "subject" ["one"] is true; saw "one"'* ]]
}

@test "viruses are let pass only where the command line says so" {
  policy 'require "vnd.mgw.verdict";' 'accept :class "virus";'
  run -78 mgw-filter --check p.sieve
  run -0 mgw-filter --allow-override=virus --check p.sieve
}

@test "empty input is a temporary failure" {
  policy 'keep;'
  run -75 mgw-filter p.sieve </dev/null
}

@test "a full disk is a temporary failure" {
  policy 'keep;'
  run -75 bash -c 'mgw-filter p.sieve <m >/dev/full'
}

@test "a forged verdict in the message is not believed" {
  policy 'keep;'
  { printf 'Mgw-Verdict: reject * 550 5.7.1 class=policy\nMgw-End:\n'; cat m; } >forged
  run -0 mgw-filter --exit-verdict p.sieve <forged
}

@test "odd mail passes unchanged" {
  policy 'if header :contains "subject" "x" { discard; }'
  printf 'no header at all\n' >odd1; printf '\r\r\r\r' >odd2; printf 'A: b\0c\n\n\0' >odd3; printf 'A: b\n' >odd4
  for odd in odd1 odd2 odd3 odd4; do
    mgw-filter --block=strip p.sieve <$odd >out
    cmp $odd out
  done
}

@test "the inbound policy compiles, and holds what was not scanned" {
  mgw-filter "$MGW_ROOT/share/pipelines/inbound.sieve" <m >out
  grep -q '^Mgw-Verdict: quarantine \* class=content by=mgw-filter at=inbound.sieve:' out
}

@test "--each puts a program's output in the message's place" {
  mgw-filter --each "$MGW_ROOT/share/pipelines/examples/seen-by.sh" <m | unstamped >out
  { echo "X-Seen-By: $(uname -n)"; cat m; } | cmp - out
}

@test "the example filter keeps CRLF" {
  sed 's/$/\r/' m >crlf
  mgw-filter --block=strip --each "$MGW_ROOT/share/pipelines/examples/seen-by.sh" <crlf >out
  { printf 'X-Seen-By: %s\r\n' "$(uname -n)"; cat crlf; } | cmp - out
}

@test "--each gives the program its options untouched, and no shell" {
  mgw-filter --block=strip --each sed -e 's/hello/$(id) --check/' <m >out
  grep -Fx '$(id) --check' out
}

@test "a program refuses by status 77 and its first line on standard error" {
  mgw-filter --each sh -c 'cat >/dev/null; echo "too loud" >&2; exit 77' <m >out
  grep -q '^Mgw-Verdict: reject \* 550 5.7.1 class=policy by=mgw-filter at=sh text=too loud$' out
}

@test "a program that fails defers the message, and standard output stays empty" {
  run -75 mgw-filter --each sh -c 'exit 3' <m
  run -75 --separate-stderr mgw-filter --each sh -c 'cat >/dev/null' <m
  [ -z "$output" ]
}

@test "a program that hangs is stopped" {
  run -75 mgw-filter --each-timeout=1 --each sleep 50 <m
}

@test "--check says that programs run unconfined, and finds missing ones" {
  run -0 mgw-filter --check --each sed p
  [[ "$output" == *unconfined* ]]
  run -78 mgw-filter --check --each no-such-program
}

@test "frames go through policy and program alike" {
  policy 'discard;'
  printf 'Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0C\nMgw-To: 1 <b@example.org>\nMgw-End:\n' >block
  { printf 'MGW1 01JDF3M1S8W7Q2E5T9XK4V6B0C 1\n%s %s\n' "$(wc -c <block)" "$(wc -c <m)"; cat block m
    printf 'END 01JDF3M1S8W7Q2E5T9XK4V6B0C\n'; } >frame
  mgw-filter p.sieve --input=frames <frame >out
  grep -q '^Mgw-Verdict: discard \*' out
  mgw-filter --each sed s/hello/bye/ --input=frames <frame >out
  grep -qx bye out
  tail -n1 out | grep -qx 'END 01JDF3M1S8W7Q2E5T9XK4V6B0C'
}

# frames N: N frames of one small message each, ids 01JDF3M1S8W7Q2E5T9XK4V0000 and on
frames() {
  local i id
  for ((i = 0; i < $1; i++)); do
    id=$(printf '01JDF3M1S8W7Q2E5T9XK4V%04d' "$i")
    mail "$i" >message
    printf 'Mgw-Id: %s\nMgw-To: 1 <b@example.org>\nMgw-End:\n' "$id" >block
    printf 'MGW1 %s 1\n%s %s\n' "$id" "$(wc -c <block)" "$(wc -c <message)"
    cat block message
    printf 'END %s\n' "$id"
  done
}

@test "several workers answer every frame once, each with its own decision" {
  policy 'if header :matches "subject" ["*1","*3","*5","*7","*9"] { discard; }'
  frames 40 >in
  mgw-filter --jobs=3 p.sieve --input=frames <in >out
  [ "$(grep '^END ' out | sort)" = "$(grep '^END ' in)" ]
  [ "$(grep -c '^Mgw-Verdict: discard' out)" -eq 20 ]
  awk '/^Mgw-Id:/ { odd = $2 ~ /[13579]$/; said = 0 } /^Mgw-Verdict: discard/ { said = 1 }
       /^Mgw-End:/ { if (odd != said) exit 1 }' out
}

@test "several workers run a program over frames" {
  frames 12 >in
  mgw-filter --jobs=3 --each sed 's/^hello$/bye/' --input=frames <in >out
  [ "$(grep '^END ' out | sort)" = "$(grep '^END ' in)" ]
  [ "$(grep -cx bye out)" -eq 12 ]
}

@test "a program that fails on one frame defers that one only" {
  frames 6 >in
  run -0 --separate-stderr bash -c 'mgw-filter --jobs=2 --each sh -c "m=\$(cat); case \$m in *\"Subject: 3\"*) exit 9;; esac; printf \"%s\\n\" \"\$m\"" --input=frames <in >out'
  [ "$(grep -c '^END ' out)" -eq 6 ]
  [ "$(grep -c '^Mgw-Verdict: defer .*class=error' out)" -eq 1 ]
}

@test "a cut frame commits nothing of it" {
  policy 'keep;'
  frames 3 >in
  head -c -20 in >cut
  run -75 bash -c 'mgw-filter p.sieve --input=frames <cut >out'
  [ "$(grep -c '^END ' out)" -eq 2 ]
}

@test "it decides under full confinement: one message, frames, foreign charsets" {
  policy 'if header :contains "subject" "grün" { discard; }'
  mail '=?iso-8859-15?Q?gr=FCn?=' >german
  mgw-filter --sandbox=require p.sieve <german >out
  grep -q '^Mgw-Verdict: discard' out
  frames 4 >in
  mgw-filter --sandbox=require --jobs=2 p.sieve --input=frames <in >out
  [ "$(grep -c '^END ' out)" -eq 4 ]
}

@test "a mailbox is decided message by message" {
  policy 'if header :is "subject" "two" { discard; }'
  for m in one two three; do echo 'From a@example.net Tue Nov 24 05:47:35 2026'; mail $m; echo; done >box
  mgw-filter --input=mbox p.sieve <box >out
  [ "$(grep -c '^From ' out)" -eq 3 ]
  [ "$(grep -c '^Mgw-Verdict: discard' out)" -eq 1 ]
}

@test "the configuration file cannot name a program" {
  printf '[mgw-filter]\neach = "sh"\n' >c.toml
  run -78 --separate-stderr mgw-filter --config=c.toml p.sieve <m
  [[ "$stderr" == *'c.toml:2: each is an option of the command line only'* ]]
}

@test "50 MB pass unchanged" {
  policy 'if header :is "subject" "two" { discard; }'
  { mail one; head -c 49000000 /dev/zero | tr '\0' 'x' | fold -w 76; } >large
  mgw-filter --block=strip p.sieve <large | cmp - large
}

@test "an accept leaves the message alone" { golden mgw-filter/accept mgw-filter --from=alice@example.net --to=bob@example.org "$MGW_DATA/mgw-filter/policy.sieve"; }
@test "a refusal, explained" { golden mgw-filter/reject mgw-filter --explain --to=bob@example.org --to=carol@example.org "$MGW_DATA/mgw-filter/policy.sieve"; }
@test "a folder becomes a mark" { golden mgw-filter/folder mgw-filter --to=bob@example.org "$MGW_DATA/mgw-filter/policy.sieve"; }

@test "it loads neither libclamav nor GPGME" {
  run -0 ldd "$(command -v mgw-filter)"
  [[ "$output" == *libc.so* && "$output" != *clamav* && "$output" != *gpgme* ]]
}

@test "--sandbox=require says that a stage which starts programs is not confined" {
  mail x | mgw-filter --sandbox=require --each cat 2>err >/dev/null
  grep -q 'starts programs and is not confined' err
}
