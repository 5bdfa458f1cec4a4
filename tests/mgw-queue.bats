load helper

setup() {
  export MGW_SPOOL="$T/spool"
  SENDER="$MGW_DATA/queue/sender.py --out $T/sent"
}

# add_to RECIPIENT [SUBJECT]: one small message into the queue
add_to() { mail "${2:-test}" | mgw-queue add --from=alice@example.net --to="$1"; }
# ids [OPTION...]: queue ids of what list shows
ids() { mgw-queue list --json "$@" | sed 's/^{"id":"\([0-9a-f]*\)".*/\1/'; }
count() { ids "$@" | wc -l; }
# frame ID LINES...: a frame of one small message with these block lines
frame() {
  local id="$1" block message='Subject: x

hi
'
  shift
  block="$(printf 'Mgw-Id: %s\n' "$id"; printf '%s\n' "$@" 'Mgw-End:')"$'\n'
  printf 'MGW1 %s 1\n%s %s\n%s%sEND %s\n' "$id" "${#block}" "${#message}" "$block" "$message" "$id"
}
smtp=('Mgw-Client: proto=ESMTP' 'Mgw-From: <a@example.net>' 'Mgw-To: 1 <b@example.org>' 'Mgw-To: 2 <c@example.org>')
lmtp=('Mgw-Client: proto=LMTP' "${smtp[@]:1}")
A=01JDF3M1S8W7Q2E5T9XK4V6B0A
# segment [N]: path of the N-th segment
segment() { find "$MGW_SPOOL/lanes" -name '*.seg' | sort | sed -n "${1:-1}p"; }
flip() { python3 -c 'import sys; f=open(sys.argv[1],"r+b"); f.seek(int(sys.argv[2])); c=f.read(1)[0]; f.seek(-1,1); f.write(bytes([c^1]))' "$1" "$2"; }

@test "keeps a message and gives it back octet for octet" {
  printf 'Subject: x\r\n\r\na\0b\r.\n.\r\nno line end' >"$T/in"
  mgw-queue add --from=a@example.net --to=b@example.org <"$T/in"
  mgw-queue cat "$(ids)" >"$T/out"
  cmp "$T/in" "$T/out"
}

@test "an empty sender stays empty" {
  mail x | mgw-queue add --from= --to=b@example.org
  mgw-queue list --json | grep '"from":"","to":\["b@example.org"\]'
}

@test "answers frames after the commit, one line for each recipient" {
  frame $A "${smtp[@]}" | mgw-queue add --input=frames >"$T/out"
  diff - "$T/out" <<END
MGW1 sink
$A 1 250 2.0.0 queued
$A 2 250 2.0.0 queued
$A done
END
  [ "$(count)" = 1 ]
}

@test "a refused copy goes to quarantine when one reply serves all, and is answered by itself over LMTP" {
  local no='Mgw-Verdict: reject 2 550 5.7.1 class=content by=mgw-filter at=p.sieve:1 text=Executable attachment'
  frame $A "${smtp[@]}" "$no" | mgw-queue add --input=frames | grep "$A 2 250 2.0.0 quarantined"
  [ "$(count --state=ready)" = 1 ] && [ "$(count --state=quarantined --recipient=c@)" = 1 ]
  mgw-queue list | grep 'Executable attachment'
  frame $A "${lmtp[@]}" "$no" | mgw-queue add --input=frames | grep "$A 2 550 5.7.1 Executable attachment"
  [ "$(count --state=quarantined)" = 1 ]
}

@test "a deferred recipient defers all over SMTP and nothing is kept" {
  frame $A "${smtp[@]}" 'Mgw-Verdict: defer 2 451 4.7.1 class=policy' | mgw-queue add --input=frames >"$T/out"
  [ "$(grep -c ' 451 4.7.1 ' "$T/out")" = 2 ]
  [ "$(count)" = 0 ]
}

@test "a message that killed workers three times is quarantined as poison, with what is known" {
  local died=('Mgw-Result: mgw-scan error=killed+20by+20signal+2011 deaths=2'
    'Mgw-Verdict: defer * 451 4.3.0 class=error by=mgw-scan text=killed by signal 11')
  frame $A "${smtp[@]}" "${died[@]}" | mgw-queue add --input=frames | grep "$A 1 451 4.3.0 killed by signal 11"
  [ "$(count)" = 0 ]
  frame "${A%A}B" "${smtp[@]}" "${died[@]}" | mgw-queue add --input=frames --sandbox=require | grep "${A%A}B 1 250 2.0.0 quarantined"
  mgw-queue list --state=quarantined | grep 'poison, workers died 4 times, sha256=[0-9a-f]*, mgw-scan: killed by signal 11'
  mgw-queue check
}

@test "keeps nothing of a frame without its end, and nothing past its deadline" {
  frame $A "${smtp[@]}" >"$T/frame"
  run -75 bash -c "head -c 200 '$T/frame' | mgw-queue add --input=frames"
  frame $A "${smtp[@]}" 'Mgw-Deadline: 0.500' | mgw-queue add --input=frames | grep "$A 1 451 4.3.0"
  [ "$(count)" = 0 ]
}

@test "empty input is 75, no home and no spool is 78" {
  run -75 mgw-queue add --to=b@example.org </dev/null
  run -78 mgw-queue list --spool="$T/none"
  [[ "$output" = *"no spool at $T/none"* ]]
  mkdir "$T/other"; touch "$T/other/file"
  run -78 mgw-queue add --spool="$T/other" --to=b@example.org < <(mail x)
}

@test "list filters by state, sender, recipient and age" {
  add_to bob@example.org; add_to carol@example.org
  [ "$(count)" = 2 ] && [ "$(count --recipient=CAROL)" = 1 ] && [ "$(count --sender=nobody)" = 0 ]
  [ "$(count --older=1h)" = 0 ] && [ "$(count --state=held)" = 0 ]
  mgw-queue list | tail -1 | grep '^2 messages'
}

@test "held messages stay until they are released, deleted ones are gone" {
  add_to bob@example.org; add_to carol@example.org
  local id
  id="$(ids --recipient=bob)"
  mgw-queue hold --reason='asked to' "$id"
  mgw-queue list --state=held | grep 'asked to'
  mgw-queue run --once --send="$SENDER"
  [ "$(ids)" = "$id" ]
  mgw-queue release "$id"
  [ "$(count --state=ready)" = 1 ]
  mgw-queue delete "$id"
  [ "$(count)" = 0 ]
  run -65 mgw-queue show "$id"
}

@test "delivers what is due, retries what is deferred, returns what is refused" {
  add_to bob@example.org; add_to defer@example.org; add_to nobody@example.org
  mgw-queue run --once --hostname=gw.example --send="$SENDER"
  [ "$(count)" = 1 ] && [ "$(count --state=deferred)" = 1 ]
  grep -a '^Mgw-To: 1 <alice@example.net>' "$T/sent"
  grep -a '^Content-Type: multipart/report; report-type=delivery-status' "$T/sent"
  grep -a '^Final-Recipient: rfc822; nobody@example.org' "$T/sent"
  [ "$(grep -ac '^== ' "$T/sent")" = 4 ]
  mgw-queue run --once --send="$SENDER"
  [ "$(grep -ac '^== ' "$T/sent")" = 4 ]
  mgw-queue retry "$(ids)"
  mgw-queue run --once --send="$SENDER"
  [ "$(grep -ac '^== ' "$T/sent")" = 5 ]
}

@test "returns a message that could not be delivered within its lifetime" {
  add_to defer@example.org
  SOURCE_DATE_EPOCH=$(($(date +%s) + 6 * 86400)) mgw-queue run --once --send="$SENDER"
  [ "$(count)" = 0 ]
  grep -a '^Status: 5.4.7' "$T/sent"
}

@test "never sends a notice about a message from the null sender" {
  mail x | mgw-queue add --from= --to=nobody@example.org
  mgw-queue run --once --send="$SENDER"
  [ "$(count)" = 0 ] && [ "$(grep -ac '^== ' "$T/sent")" = 1 ]
}

@test "sends again what the sender had not answered when it died" {
  for i in 1 2 3 4 5; do add_to "bob$i@example.org"; done
  printf '#!/bin/sh\n[ -e %s/once ] && exec %s "$@"\n: >%s/once\nexec %s --die-after 3 "$@"\n' "$T" "$SENDER" "$T" "$SENDER" >"$T/send"
  chmod +x "$T/send"
  mgw-queue run --once --send="$T/send" 2>"$T/err"
  grep 'exit status 1' "$T/err"
  [ "$(count)" = 0 ]
  for i in 1 2 3 4 5; do grep -aq "<bob$i@example.org>" "$T/sent"; done
}

@test "a sender that cannot start is named" {
  add_to bob@example.org
  run -78 mgw-queue run --once --send=/no/such/program
  printf '#!/bin/sh\nexit 78\n' >"$T/send"; chmod +x "$T/send"
  run -78 mgw-queue run --once --send="$T/send"
  [ "$(count)" = 1 ]
}

@test "a second run says so, the first one delivers new mail and stops at SIGTERM" {
  add_to bob@example.org
  mgw-queue run --send="$SENDER" 3>&- &
  local pid=$!
  wait_for 5 test -s "$T/sent"
  run -75 mgw-queue run --once --send="$SENDER"
  [[ "$output" = *"another 'mgw-queue run'"* ]]
  add_to carol@example.org
  wait_for 3 grep -a carol "$T/sent"
  kill -TERM $pid
  wait $pid
  [ "$(count)" = 0 ]
}

@test "quarantined messages leave through the release pipeline only" {
  frame $A "${smtp[@]}" 'Mgw-Verdict: quarantine * class=spam by=mgw-filter text=Looks like spam' | mgw-queue add --input=frames >/dev/null
  mgw-queue run --once --send="$SENDER"
  [ ! -e "$T/sent" ]
  run -64 mgw-queue release "$(ids)"
  mgw-queue release --release-pipeline="mgw-queue add" "$(ids)"
  [ "$(count --state=ready)" = 1 ] && [ "$(count)" = 1 ]
}

@test "finished segments are removed" {
  for i in 1 2 3; do add_to "bob$i@example.org"; done
  mgw-queue run --once --send="$SENDER"
  [ ! -d "$MGW_SPOOL/lanes/00" ] || [ -z "$(find "$MGW_SPOOL/lanes/00" -name '*.seg')" ]
}

@test "check names a flipped bit, and the other messages go on" {
  add_to bob@example.org; add_to carol@example.org
  mgw-queue check
  flip "$(segment)" 200
  run -65 mgw-queue check
  [[ "$output" = *".seg: "*" octets at offset 64: "* ]]
  run --separate-stderr mgw-queue list
  [[ "$output" = *carol* ]] && [[ "$stderr" = *"set aside"* ]]
}

@test "a damaged message is held and named, not delivered" {
  add_to bob@example.org; add_to carol@example.org
  python3 - "$(segment)" <<'END'
import sys
f = open(sys.argv[1], "r+b"); data = f.read()
at = data.index(b"Subject: test"); f.seek(at); f.write(b"s")
END
  run mgw-queue run --once --send="$SENDER"
  [[ "$output" = *"damaged"* ]]
  ! grep -a 'bob@' "$T/sent"
  grep -a 'carol@' "$T/sent"
}

@test "a torn tail is ignored and the next writer goes on" {
  add_to bob@example.org
  truncate -s 400 "$(segment)"
  run mgw-queue check
  add_to carol@example.org
  [ "$(ids --recipient=carol | wc -l)" = 1 ]
}

@test "a hostile file in a lane hurts nobody" {
  add_to bob@example.org
  head -c 100000 /dev/urandom >"$MGW_SPOOL/lanes/00/ffffffffffffff00.seg"
  mkfifo "$MGW_SPOOL/lanes/00/0000000000000001.seg"
  [ "$(count 2>/dev/null)" = 1 ]
  run -65 mgw-queue check
}

# acknowledged FILE: the ids that add has answered 250
acknowledged() { sed -n 's/^\([^ ]*\) 1 250 .*/\1/p' "$1" | sort; }
kept() { mgw-queue list --json | sed 's/.*"mgw_id":"\([^"]*\)".*/\1/' | sort; }

# opens SPOOL: how many files `add` opens for one frame into that spool, the last of them for the segment and its folder
opens() { frame $A "${smtp[@]}" | strace -f -e trace=openat mgw-queue add --spool="$1" --input=frames --sandbox=off 2>&1 >/dev/null | grep -c 'openat('; }

@test "kill -9 at any flush or write loses nothing that was acknowledged" {
  command -v strace >/dev/null || skip "strace is not installed"
  strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
  for i in $(seq 10 40); do frame "01JDF3M1S8W7Q2E5T9XK4V6B$i" "${smtp[@]}"; done >"$T/frames"
  for call in fdatasync:1 fdatasync:2 fdatasync:5 pwritev:1 pwritev:3 pwrite64:1 pwrite64:2 pwrite64:4 openat:$(opens "$T/fresh") fallocate:1 fsync:1; do
    rm -rf "$MGW_SPOOL"
    status=0
    # one frame at a time, so that there are many flushes
    python3 -c '
import sys, time
for frame in open(sys.argv[1]).read().split("MGW1 ")[1:]:
    try: sys.stdout.write("MGW1 " + frame); sys.stdout.flush()
    except BrokenPipeError: sys.exit()
    time.sleep(0.003)' "$T/frames" 2>/dev/null |
      strace -f -o /dev/null -e inject="${call%:*}":signal=KILL:when="${call#*:}" mgw-queue add --input=frames --sandbox=off >"$T/out" 2>/dev/null || status=$?
    # strace ends as its child did: a run in which nothing was killed proves nothing
    [ "$status" -eq 137 ] || { echo "nothing was killed at $call"; return 1; }
    [ -e "$MGW_SPOOL/FORMAT" ] || { [ -z "$(acknowledged "$T/out")" ] || return 1; continue; }
    kept >"$T/kept"
    [ "$(uniq -d "$T/kept")" = "" ]
    [ "$(acknowledged "$T/out" | comm -23 - "$T/kept")" = "" ] || { echo "lost after $call"; return 1; }
    mgw-queue check
  done
}

@test "a failed flush, write or open is a 4xx and leaves nothing behind" {
  command -v strace >/dev/null || skip "strace is not installed"
  strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
  add_to first@example.org
  cp -r "$MGW_SPOOL" "$T/copy"
  for fault in fdatasync:error=EIO pwritev:error=EIO fallocate:error=ENOSPC "openat:error=EMFILE:when=$(opens "$T/copy")+"; do
    frame $A "${smtp[@]}" | strace -f -o /dev/null -e inject="$fault" mgw-queue add --input=frames --sandbox=off >"$T/out" 2>/dev/null || true
    grep -q " 1 45[12] " "$T/out" || { echo "$fault: $(cat "$T/out")"; return 1; }
    [ -z "$(acknowledged "$T/out")" ]
    [ "$(count)" = 1 ]
  done
}

@test "a file size limit is a full disk: 452, nothing half kept" {
  { head -c 3000000 /dev/zero | tr '\0' a; } >"$T/big"
  run -75 bash -c "ulimit -f 1000; mgw-queue add --from=a@example.net --to=b@example.org <'$T/big'"
  [[ "$output" = *"452 4.3.1"* ]]
  [ "$(count)" = 0 ]
  mgw-queue check
}

@test "little free space is refused early" {
  run -75 mgw-queue add --min-free=100% --from=a@example.net --to=b@example.org < <(mail x)
  [[ "$output" = *"452 4.3.1"* ]]
}

@test "one record for each message, and a full log disk hurts no mail" {
  mail x | mgw-queue add --log="$T/log" --from=a@example.net --to=b@example.org
  grep '"stage":"queue"' "$T/log" | grep '"codes":\["250 2.0.0 queued"\]'
  mail x | mgw-queue add --log=/dev/full --from=a@example.net --to=b@example.org
  [ "$(count)" = 2 ]
}

@test "says what went wrong for bad options and a full output" {
  run -64 mgw-queue list --no-such-option
  run -64 mgw-queue
  add_to bob@example.org
  run -75 bash -c 'mgw-queue list >/dev/full'
}
