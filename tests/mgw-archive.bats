load helper

setup() { A="$T/archive"; }

# keep RECIPIENT [SUBJECT]: one small message into the archive, its id
keep() { mail "${2:-test}" | mgw-archive add --archive="$A" --from=alice@example.net --to="$1"; }
count() { mgw-archive list --archive="$A" --json "$@" | wc -l; }
pack() { find "$A/packs" -name '*.pack' | sort | sed -n "${1:-1}p"; }
flip() { python3 -c 'import os,sys; os.chmod(sys.argv[1],0o600); f=open(sys.argv[1],"r+b"); f.seek(int(sys.argv[2])); c=f.read(1)[0]; f.seek(-1,1); f.write(bytes([c^1]))' "$1" "$2"; }
frame() {
  local id="$1" block message='Subject: x

hi
'
  shift
  block="$(printf 'Mgw-Id: %s\n' "$id"; printf '%s\n' "$@" 'Mgw-End:')"$'\n'
  printf 'MGW1 %s 1\n%s %s\n%s%sEND %s\n' "$id" "${#block}" "${#message}" "$block" "$message" "$id"
}
smtp=('Mgw-Client: proto=ESMTP' 'Mgw-From: <a@example.net>' 'Mgw-To: 1 <b@example.org>' 'Mgw-To: 2 <c@example.org>')
M=01JDF3M1S8W7Q2E5T9XK4V6B0A

@test "gives odd messages back octet for octet" {
  printf 'Subject: x\r\n\r\na\0b\r.\n.\r\nno line end' >"$T/in1"
  printf '\r\r\r\r' >"$T/in2"
  printf 'no header at all' >"$T/in3"
  printf 'Subject: only a header\n\n' >"$T/in4"
  printf '\0\0\0' >"$T/in5"
  { printf 'Subject: big\n\n'; head -c 50000000 /dev/urandom; } >"$T/in6"
  for i in 1 2 3 4 5 6; do
    id="$(mgw-archive add --archive="$A" --from=a@example.net --to=b@example.org <"$T/in$i")"
    mgw-archive get --archive="$A" "$id" >"$T/out"
    cmp "$T/in$i" "$T/out"
    mgw-archive tee --archive="$A" --block=strip --to=b@example.org <"$T/in$i" | cmp "$T/in$i" -
  done
  mgw-archive verify --archive="$A" | grep '12 messages, 0 damages'
}

@test "keeps the envelope and shows it" {
  id="$(keep bob@example.org)"
  mgw-archive get --archive="$A" --envelope "$id" | grep '^Mgw-From: <alice@example.net>$'
  mgw-archive get --archive="$A" --json "$id" | grep '"Mgw-To: 1 <bob@example.org>"'
  mail x | mgw-archive add --archive="$A" --from= --to=b@example.org
  mgw-archive list --archive="$A" --json | grep '"from":"","to":\["b@example.org"\]'
}

@test "answers frames after the flush, with the archive id" {
  frame $M "${smtp[@]}" | mgw-archive add --archive="$A" --input=frames >"$T/out"
  id="$(mgw-archive list --archive="$A" --json | sed 's/^{"id":"\([^"]*\)".*/\1/')"
  diff - "$T/out" <<END
MGW1 sink
$M 1 250 2.0.0 archived $id
$M 2 250 2.0.0 archived $id
$M done
END
  [ "$(mgw-archive get --archive="$A" $M | head -1)" = "Subject: x" ]
}

@test "refused and deferred recipients are answered so" {
  frame $M "${smtp[@]}" 'Mgw-Verdict: reject 2 550 5.7.1 class=content text=No' | mgw-archive add --archive="$A" --input=frames >"$T/out"
  grep "^$M 1 250" "$T/out"
  grep "^$M 2 550 5.7.1 No" "$T/out"
  frame $M "${smtp[@]}" 'Mgw-Verdict: defer 2 451 4.7.1 class=policy' | mgw-archive add --archive="$A" --input=frames >"$T/out"
  [ "$(grep -c ' 451 4.7.1 ' "$T/out")" = 2 ]
  [ "$(count)" = 1 ]
}

@test "keeps nothing of a frame without its end, nor of empty input" {
  frame $M "${smtp[@]}" >"$T/frame"
  run -75 bash -c "head -c 200 '$T/frame' | mgw-archive add --archive='$A' --input=frames"
  run -75 mgw-archive add --archive="$A" --to=b@example.org </dev/null
  [ "$(count)" = 0 ]
}

@test "tee keeps a copy, names it and passes the message on" {
  mail x >"$T/in"
  mgw-archive tee --archive="$A" --to=b@example.org <"$T/in" >"$T/out"
  unstamped <"$T/out" | cmp - "$T/in"
  id="$(sed -n 's/^Mgw-Result: mgw-archive id=//p' "$T/out")"
  mgw-archive get --archive="$A" "$id" | cmp - "$T/in"
}

@test "several workers have a pack each, and nothing is missing" {
  for i in $(seq 10 60); do frame "01JDF3M1S8W7Q2E5T9XK4V6B$i" "${smtp[@]}"; done >"$T/frames"
  mgw-archive tee --archive="$A" --jobs=4 --input=frames --sandbox=require <"$T/frames" >"$T/out"
  [ "$(grep -c '^Mgw-Result: mgw-archive id=' "$T/out")" = 51 ]
  [ "$(mgw-archive list --archive="$A" --json | sed 's/.*"mgw_id":"\([^"]*\)".*/\1/' | sort -u | wc -l)" = 51 ]
  mgw-archive verify --archive="$A"
}

@test "works with the sandbox required" {
  mail x | mgw-archive add --archive="$A" --sandbox=require --to=b@example.org
  mgw-archive list --archive="$A" --sandbox=require | grep '^1 message'
  mgw-archive verify --archive="$A" --sandbox=require
  mgw-archive backup --archive="$A" --to="$T/backup" --sandbox=require
  mgw-archive restore --archive="$T/again" --from="$T/backup" --sandbox=require | grep '^OK'
}

@test "list filters by time, addresses, subject and id" {
  id="$(keep bob@example.org 'Quarterly figures')"
  keep carol@example.org
  [ "$(count)" = 2 ] && [ "$(count --subject=FIGURES)" = 1 ] && [ "$(count --to=carol@)" = 1 ]
  [ "$(count --from=ALICE)" = 2 ] && [ "$(count --from=nobody)" = 0 ]
  [ "$(count --id="$id")" = 1 ] && [ "$(count --id='test@example.net')" = 1 ]
  [ "$(count --since=1h)" = 2 ] && [ "$(count --until=1h)" = 0 ]
  [ "$(count --since=2020-01-01 --until=2020-01-02T00:00:00Z)" = 0 ]
  run -64 mgw-archive list --archive="$A" --since=yesterday
}

@test "an mbox gives an id for each message, and an id that names two is refused" {
  { echo 'From a@b Tue Nov 24 05:47:35 2026'; mail one; echo; echo 'From a@b Tue Nov 24 05:47:35 2026'; mail one; } >"$T/mbox"
  mgw-archive add --archive="$A" --input=mbox --to=b@example.org <"$T/mbox" >"$T/ids"
  [ "$(wc -l <"$T/ids")" = 2 ]
  run -65 mgw-archive get --archive="$A" one@example.net
  [[ "$output" = *"names 2 messages"* ]]
}

@test "the index may be lost or damaged" {
  id="$(keep bob@example.org)"
  [ "$(count)" = 1 ]
  head -c 5000 /dev/urandom >"$A/index/archive.sqlite"
  [ "$(count)" = 1 ]
  rm -r "$A/index"
  mgw-archive get --archive="$A" "$id" >/dev/null
}

@test "verify names a flipped bit, get refuses it, and the other messages go on" {
  id="$(keep bob@example.org)"; other="$(keep carol@example.org)"
  mgw-archive verify --archive="$A"
  flip "$(pack)" 300
  run -65 mgw-archive verify --archive="$A"
  [[ "$output" = *"packs/"*"message $id does not fit its CRC at offset 64"* ]]
  [[ "$output" = *"1 damage"* ]]
  run -65 mgw-archive get --archive="$A" "$id"
  mgw-archive get --archive="$A" "$other" | grep '^Subject'
  keep dave@example.org
  [ "$(count --to=dave@)" = 1 ]
}

@test "a lost pack is named" {
  keep bob@example.org
  rm "$(pack)"
  run -65 mgw-archive verify --archive="$A"
  [[ "$output" = *"000001.pack: is missing"* ]]
}

@test "a damaged manifest is named, set aside by the next writer, and stays named" {
  keep bob@example.org
  flip "$A/manifest" 40
  run -65 mgw-archive verify --archive="$A"
  keep carol@example.org
  [ "$(count)" = 2 ]
  run -65 mgw-archive verify --archive="$A"
  [[ "$output" = *"manifest.damaged: "*"1 damage"* ]]
}

@test "a torn tail is no damage and the next writer goes on" {
  keep bob@example.org; keep carol@example.org
  truncate -s -20 "$(pack)"
  mgw-archive verify --archive="$A" | grep 'cut short'
  [ "$(count)" = 1 ]
  keep dave@example.org
  [ "$(count)" = 2 ]
  run mgw-archive verify --archive="$A"
  [ "$status" = 0 ] && [[ "$output" != *"cut short"* ]]
}

@test "kill -9 at any flush or write loses nothing that was acknowledged" {
  command -v strace >/dev/null || skip "strace is not installed"
  strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
  for i in $(seq 10 30); do frame "01JDF3M1S8W7Q2E5T9XK4V6B$i" "${smtp[@]}"; done >"$T/frames"
  killed=0
  for call in fdatasync:1 fdatasync:2 fdatasync:4 pwrite64:1 pwrite64:2 pwrite64:5 fsync:1 fsync:4 rename:1 rename:2; do
    rm -rf "$A"
    python3 -c '
import sys, time
for frame in open(sys.argv[1]).read().split("MGW1 ")[1:]:
    try: sys.stdout.write("MGW1 " + frame); sys.stdout.flush()
    except BrokenPipeError: sys.exit()
    time.sleep(0.003)' "$T/frames" 2>/dev/null |
      strace -f -o /dev/null -e inject="${call%:*}":signal=KILL:when="${call#*:}" mgw-archive add --archive="$A" --input=frames --sandbox=off >"$T/out" 2>/dev/null || true
    [ "$(grep -c ' done$' "$T/out" || true)" = 21 ] || killed=$((killed + 1))
    [ -e "$A/FORMAT" ] || { run ! grep ' 250 ' "$T/out"; continue; }
    sed -n 's/^\([^ ]*\) 1 250 .*/\1/p' "$T/out" | sort >"$T/acked"
    mgw-archive list --archive="$A" --json | sed 's/.*"mgw_id":"\([^"]*\)".*/\1/' | sort >"$T/kept"
    [ "$(comm -23 "$T/acked" "$T/kept")" = "" ] || { echo "lost after $call"; return 1; }
    mgw-archive verify --archive="$A"
    keep after@example.org
    mgw-archive verify --archive="$A"
  done
  [ "$killed" -ge 8 ]
}

@test "a failed flush or write is a 451 and leaves nothing behind" {
  command -v strace >/dev/null || skip "strace is not installed"
  strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
  keep first@example.org
  for fault in fdatasync:error=EIO pwrite64:error=EIO pwrite64:error=ENOSPC; do
    frame $M "${smtp[@]}" | strace -f -o /dev/null -e inject="$fault" mgw-archive add --archive="$A" --input=frames --sandbox=off >"$T/out" 2>/dev/null
    grep "^$M 1 45[12] " "$T/out"
    [ "$(count)" = 1 ]
  done
}

@test "a file size limit is a full disk: nothing half kept, and tee defers" {
  { printf 'Subject: big\n\n'; head -c 3000000 /dev/urandom; } >"$T/big"
  run -75 bash -c "ulimit -f 1000; mgw-archive add --archive='$A' --from=a@example.net --to=b@example.org <'$T/big'"
  [[ "$output" = *"452 4.3.1"* ]]
  run -75 bash -c "ulimit -f 1000; mgw-archive tee --archive='$A' --to=b@example.org <'$T/big' | head -c 100"'; exit ${PIPESTATUS[0]}'
  [ "$(count)" = 0 ]
  mgw-archive verify --archive="$A"
}

@test "a backup restores to the same packs, and the second one copies only what is new" {
  keep bob@example.org; keep carol@example.org
  mgw-archive backup --archive="$A" --to="$T/backup"
  mgw-archive backup --archive="$A" --to="$T/backup" | grep ' 0 copied'
  keep dave@example.org
  mgw-archive backup --archive="$A" --to="$T/backup" | grep ' 1 copied'
  mgw-archive restore --from="$T/backup" --archive="$T/again" | grep '^OK '
  diff -r "$A/packs" "$T/again/packs"
  mgw-archive verify --archive="$T/again"
  [ "$(mgw-archive list --archive="$T/again" --json | wc -l)" = 3 ]
}

@test "a corrupted backup is refused and nothing is written" {
  keep bob@example.org
  mgw-archive backup --archive="$A" --to="$T/backup"
  cp -r "$T/backup" "$T/bad"
  flip "$(find "$T/bad/packs" -type f)" 200
  run -65 mgw-archive restore --from="$T/bad" --archive="$T/again"
  [[ "$output" = *"does not fit its SHA-256"* ]]
  [ ! -e "$T/again/FORMAT" ]
  flip "$T/backup/MANIFEST" 30
  run -65 mgw-archive restore --from="$T/backup" --archive="$T/again"
  run -65 mgw-archive backup --archive="$A" --to="$T/backup"
}

@test "restore refuses a folder that is not empty, backup one that is no backup" {
  keep bob@example.org
  mgw-archive backup --archive="$A" --to="$T/backup"
  run -78 mgw-archive restore --from="$T/backup" --archive="$A"
  mkdir "$T/other"; touch "$T/other/file"
  run -78 mgw-archive restore --from="$T/backup" --archive="$T/other"
  run -78 mgw-archive backup --archive="$A" --to="$T/other"
  run -78 mgw-archive restore --from="$T/none" --archive="$T/new"
}

@test "a damaged pack never replaces its good copy" {
  keep bob@example.org
  mgw-archive backup --archive="$A" --to="$T/backup"
  keep carol@example.org
  flip "$(pack)" 300
  run -65 mgw-archive backup --archive="$A" --to="$T/backup"
  [[ "$output" = *"is not copied: "*"does not fit its CRC"* ]]
  mgw-archive restore --from="$T/backup" --archive="$T/again"
  [ "$(mgw-archive list --archive="$T/again" --json | wc -l)" = 1 ]
}

@test "a full disk leaves the backup before as it was" {
  keep bob@example.org
  mgw-archive backup --archive="$A" --to="$T/backup"
  { printf 'Subject: big\n\n'; head -c 3000000 /dev/urandom; } | mgw-archive add --archive="$A" --to=b@example.org
  run -75 bash -c "ulimit -f 1000; mgw-archive backup --archive='$A' --to='$T/backup'"
  mgw-archive restore --from="$T/backup" --archive="$T/again"
  [ "$(mgw-archive list --archive="$T/again" --json | wc -l)" = 1 ]
}

@test "hostile files among the packs hurt nobody" {
  keep bob@example.org
  head -c 100000 /dev/urandom >"$(dirname "$(pack)")/000002.pack"
  mkfifo "$(dirname "$(pack)")/000003.pack"
  ln -s /etc/passwd "$(dirname "$(pack)")/000004.pack"
  [ "$(count)" = 1 ]
  keep carol@example.org
  run -65 mgw-archive verify --archive="$A"
  [[ "$output" = *"000002.pack"* ]]
}

@test "a dry run keeps nothing" {
  mail x | mgw-archive tee --archive="$A" --dry-run --to=b@example.org >/dev/null
  mail x | mgw-archive add --archive="$A" --dry-run --to=b@example.org
  [ ! -e "$A" ]
}

@test "says what went wrong for no archive, bad options, a missing file and a closed output" {
  run -78 mgw-archive list --archive="$T/none"
  [[ "$output" = *"no archive at $T/none"* ]]
  run -64 mgw-archive list --no-such-option
  run -64 mgw-archive
  run -64 mgw-archive backup --archive="$A"
  id="$(keep bob@example.org)"
  run -65 mgw-archive get --archive="$A" nothing
  run -65 mgw-archive add --archive="$A" --to=b@example.org "$T/missing.eml"
  run -75 bash -c "mgw-archive get --archive='$A' $id >/dev/full"
  run -75 bash -c "mgw-archive list --archive='$A' >/dev/full"
  mkdir "$T/other"; touch "$T/other/file"
  run -78 mgw-archive add --archive="$T/other" --to=b@example.org < <(mail x)
  echo 'mgw-archive 9' >"$A/FORMAT"
  run -78 mgw-archive list --archive="$A"
}
