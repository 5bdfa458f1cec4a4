# Streams of many messages: mboxes, Maildirs and folders; shards, runs that go on, progress, memory.
load helper

setup() {
  echo 'keep;' >"$T/keep.sieve"
  mkdir -p "$T/gnupg" && chmod 700 "$T/gnupg"
  filters=(
    "mgw-auth --dry-run --dns-zone=$MGW_ROOT/share/pipelines/quickstart/zone.db" # else it adds its field
    "mgw-scan"
    "mgw-filter $T/keep.sieve"
    "mgw-route --relay=[192.0.2.25]:25"
    "mgw-crypt decrypt --homedir=$T/gnupg"
    "mgw-archive tee --archive=$T/archive"
  )
  filter="mgw-filter --policy=$T/keep.sieve --block=strip"
}

from='From alice@example.net Tue Nov 24 05:47:35 2026'
# numbered FIRST LAST: an mbox
numbered() { for n in $(seq "$1" "$2"); do printf '%s\n' "$from"; mail "n$n"; printf '>From me\n>>From you\n\n'; done; }
subjects() { grep -a '^Subject: ' "$@" | sed 's/.*Subject: n//'; }
# big COUNT OCTETS: an mbox of COUNT messages with OCTETS of text each
big() {
  python3 -c '
import sys
count, octets = int(sys.argv[1]), int(sys.argv[2])
text = (b"x" * 76 + b"\n") * (octets // 77)
for n in range(1, count + 1):
    sys.stdout.buffer.write(b"From alice@example.net Tue Nov 24 05:47:35 2026\nSubject: n%d\nTo: bob@example.org\n\n" % n + text + b"\n")
' "$1" "$2"
}

untouched() {
  for tool in "${filters[@]}"; do
    $tool --input=mbox --block=strip <"$T/in" >"$T/out" 2>"$T/err" || { echo "$tool"; cat "$T/err"; return 1; }
    cmp "$T/in" "$T/out" || { echo "$tool"; return 1; }
  done
}

@test "an mboxrd that nobody changes comes back octet for octet from every filter" {
  numbered 1 5 >"$T/in"; untouched
  head -c -1 "$T/in" >"$T/x"; mv "$T/x" "$T/in"; untouched # no last empty line
  head -c -1 "$T/in" >"$T/x"; mv "$T/x" "$T/in"; untouched # no last line end
}
@test "an mboxrd with CRLF comes back octet for octet" {
  numbered 1 5 | sed 's/$/\r/' >"$T/in"; untouched
  head -c -2 "$T/in" >"$T/x"; mv "$T/x" "$T/in"; untouched
  head -c -2 "$T/in" >"$T/x"; mv "$T/x" "$T/in"; untouched
}
@test "blank lines and garbage before the first separator come back" {
  { printf '\n\r\n\n'; numbered 1 2; } >"$T/in"; untouched
  $filter --input=mbox --output=frames <"$T/in" | grep -a -c '^MGW1 ' | grep -x 2
  { printf 'no mail\nno line "From "\n\n'; numbered 1 2; } >"$T/in"; untouched
  { mail first; echo; numbered 1 2; } >"$T/in"; untouched
  printf '\n\n' >"$T/in"; untouched
}
@test "a chain of filters keeps the octets of an mboxrd, too" {
  { printf 'no mail\n\n'; numbered 1 4; printf '%s\nSubject: last\n\nno line end' "$from"; } >"$T/in"
  mgw-scan --input=mbox <"$T/in" | mgw-route --relay='[192.0.2.25]:25' --input=mbox | $filter --input=mbox >"$T/out"
  cmp "$T/in" "$T/out"
}
@test "an empty mbox on standard input is 75 with nothing written; an operand that is empty is nothing to do" {
  run -75 --separate-stderr bash -c "$filter --input=mbox </dev/null"
  [ "$output" = "" ]
  [ "$stderr" = "mgw-filter: no message on standard input" ]
  : >"$T/empty"; numbered 1 2 >"$T/two"
  run -0 --separate-stderr $filter "$T/empty"
  [ -z "$output$stderr" ]
  mkdir "$T/folder"
  run -0 --separate-stderr $filter "$T/folder" "$T/empty"
  [ -z "$output$stderr" ]
  $filter "$T/empty" "$T/two" "$T/empty" | cmp - "$T/two"
}

@test "what becomes an mboxrd: quoting and empty lines where they are missing, nothing else" {
  # mboxo that does not quote, without empty lines
  printf '%s\nSubject: a\n\nFrom here on\n>From there\n%s\nSubject: b\n\nx' "$from" "$from" >"$T/in"
  printf '%s\nSubject: a\n\n>From here on\n>From there\n\n%s\nSubject: b\n\nx' "$from" "$from" >"$T/want"
  $filter --input=mbox <"$T/in" | cmp - "$T/want"
  $filter --input=mbox <"$T/want" | cmp - "$T/want"
}
@test "mboxcl2: lengths that are right carry over lines that look like separators" {
  body=$(printf 'see:\n\n%s\nSubject: inner\n\n>From x' "$from")
  for n in 1 2; do printf '%s\nSubject: n%d\nContent-Length: %d\n\n%s\n\n' "$from" "$n" $((${#body} + 1)) "$body"; done >"$T/in"
  $filter --input=mbox <"$T/in" >"$T/out"
  [ "$(grep -c "^$from" "$T/out")" -eq 2 ]
  [ "$(grep -c "^>$from" "$T/out")" -eq 2 ]
  [ "$(grep -c '^>>From x' "$T/out")" -eq 2 ]
  # one message without a length in the file: then a sender could hide a message behind his own
  { numbered 1 1; cat "$T/in"; } | $filter --input=mbox --output=frames | grep -a -c '^MGW1 ' | grep -x 5
}
@test "the field From with a blank before its colon is no separator, and stays a field" {
  printf '%s\nFrom : alice@example.net\nSubject: a\n\nFrom : x\n\n' "$from" >"$T/in"
  printf '%s\nFrom : alice@example.net\nSubject: a\n\n>From : x\n\n' "$from" >"$T/want"
  $filter --input=mbox <"$T/in" | cmp - "$T/want"
}

@test "a Maildir is read in order of delivery, new and cur together, tmp not, flags untouched" {
  mkdir -p "$T/box/new" "$T/box/cur" "$T/box/tmp" "$T/box/.Sent/cur"
  mail n1 >"$T/box/cur/1001.a:2,S"; mail n2 >"$T/box/new/1002.b"; mail n3 >"$T/box/cur/1003.c:2,RS"; mail n4 >"$T/box/tmp/1000.d"
  mail n5 >"$T/box/.Sent/cur/1.e"; mail n6 >"$T/box/new/.hidden"
  find "$T/box" -type f | sort >"$T/before"
  $filter "$T/box" >"$T/out"
  [ "$(subjects "$T/out" | xargs)" = "1 2 3" ]
  find "$T/box" -type f | sort | diff "$T/before" -
  # the same order when a reader has seen the new one
  mv "$T/box/new/1002.b" "$T/box/cur/1002.b:2,S"
  $filter "$T/box" | subjects | xargs | grep -x '1 2 3'
}
@test "a message of a Maildir or MH folder is one message, whatever it looks like" {
  mkdir -p "$T/box/cur" "$T/mh"
  numbered 1 2 | tee "$T/box/cur/1" >"$T/mh/1"
  for box in box mh; do $filter "$T/$box" --output=frames | grep -a -c '^MGW1 ' | grep -x 1; done
}
@test "an MH folder is read by number; sequences, removed messages and folders in it are not messages" {
  mkdir -p "$T/mh/77"
  for n in 1 2 9 10 100; do mail "n$n" >"$T/mh/$n"; done
  $filter "$T/mh" | subjects | xargs | grep -x '1 2 9 10 100'
  printf 'cur: 1\n' >"$T/mh/.mh_sequences"
  mail n3 >"$T/mh/,3"; mail n4 >"$T/mh/#4"; mail n5 >"$T/mh/5~"
  $filter "$T/mh" | subjects | xargs | grep -x '1 2 9 10 100'
}
@test "a folder of messages and mboxes is read by name" {
  mkdir -p "$T/folder/sub"
  mail n1 >"$T/folder/a.eml"; numbered 2 3 >"$T/folder/b.mbox"; mail n4 >"$T/folder/c.eml"; mail n5 >"$T/folder/sub/d.eml"
  $filter "$T/folder" | subjects | xargs | grep -x '1 2 3 4'
  $filter "$T/folder" "$T/folder/c.eml" "$T/folder/b.mbox" | subjects | xargs | grep -x '1 2 3 4 4 2 3'
  mkdir "$T/none"
  run -0 $filter "$T/none"
  [ "$output" = "" ]
}
@test "a pipe as an operand is read once" {
  $filter <(mail n1) | subjects | grep -x 1
}
@test "an operand that cannot be read is 65 with its name, and nothing is written" {
  mkdir -p "$T/folder"; numbered 1 2 >"$T/a.mbox"; mail n1 >"$T/folder/1.eml"
  run -65 --separate-stderr $filter "$T/a.mbox" "$T/missing"
  [ "$output" = "" ]
  [[ "$stderr" == *"$T/missing"* ]]
}
@test "a file of a folder that cannot be read is said, the others are read, and the status is 65" {
  mkdir -p "$T/folder" "$T/Maildir/cur" "$T/mh"
  for i in 1 3; do mail "n$i" | tee "$T/folder/$i.eml" "$T/mh/$i" >"$T/Maildir/cur/$i:2,S"; done
  for folder in folder mh Maildir; do
    case $folder in folder) odd=$T/folder/2.eml;; mh) odd=$T/mh/2;; *) odd=$T/Maildir/cur/2:2,S;; esac
    ln -s "$T/nowhere" "$odd"
    run -65 --separate-stderr $filter "$T/$folder"
    [ "$(subjects <<<"$output" | xargs)" = "1 3" ]
    [[ "$stderr" == *"$odd"*"of 3 files 1 could not be read"* ]]
    rm "$odd"; mkfifo "$odd"
    run -65 --separate-stderr timeout 10 $filter "$T/$folder"
    [ "$(subjects <<<"$output" | xargs)" = "1 3" ]
    [[ "$stderr" == *"$odd is no file"* ]]
  done
  [ "$(id -u)" -ne 0 ] || return 0
  rm "$T/folder/2.eml"; mail n2 >"$T/folder/2.eml"; chmod 0 "$T/folder/2.eml"
  run -65 --separate-stderr $filter "$T/folder"
  [ "$(subjects <<<"$output" | xargs)" = "1 3" ]
  [[ "$stderr" == *"$T/folder/2.eml"* ]]
}
@test "own failures stand above files that cannot be read: 75" {
  mkdir "$T/folder"; mail n1 >"$T/folder/1.eml"; ln -s "$T/nowhere" "$T/folder/2.eml"
  run -75 --separate-stderr mgw-filter --input=mbox --each false "$T/folder"
}
@test "links that lead in a circle end in an error, links to folders are not followed" {
  mkdir -p "$T/folder" "$T/more"
  mail n1 >"$T/folder/1.eml"
  ln -s "$T/folder" "$T/folder/again"; ln -s "$T/more" "$T/folder/more"
  $filter "$T/folder" | subjects | grep -x 1
  ln -s "$T/b" "$T/a"; ln -s "$T/a" "$T/b"
  run -65 --separate-stderr timeout 10 $filter "$T/a"
  ln -s "$T/a" "$T/folder/2.eml"
  run -65 --separate-stderr timeout 10 $filter "$T/folder"
  [[ "$stderr" == *"$T/folder/2.eml"* ]]
}
@test "frames come from standard input alone" {
  run -64 mgw-filter "$T/keep.sieve" --input=frames "$T/keep.sieve"
}

shards() { for i in $(seq "$1"); do $filter --shard="$i/$1" "${@:2}" >"$T/shard.$i" || return 1; done; }
@test "shards have each message once: mbox, Maildir, MH, folder, several operands" {
  numbered 1 23 >"$T/a.mbox"
  mkdir -p "$T/box/cur" "$T/box/new" "$T/mh" "$T/folder"
  for n in $(seq 10 32); do mail "n$n" >"$T/mh/$n"; mail "n$n" >"$T/box/$( [ $((n % 2)) = 0 ] && echo new || echo cur)/$n"; mail "n$n" >"$T/folder/$n.eml"; done
  numbered 33 35 >"$T/folder/33.mbox"
  for input in "$T/a.mbox" "$T/mh" "$T/box" "$T/folder" "$T/a.mbox $T/box $T/folder/33.mbox"; do
    # shellcheck disable=SC2086 # several operands
    $filter $input | subjects >"$T/all"
    for count in 1 4 50; do
      # shellcheck disable=SC2086
      shards "$count" $input
      for i in $(seq "$count"); do
        awk "NR % $count == $i % $count" "$T/all" | diff - <(subjects "$T/shard.$i") || { echo "$input: $i/$count"; return 1; }
      done
    done
  done
}
@test "the outputs of shards can be put together as they are" {
  { numbered 1 6; printf '%s\nSubject: n7\n\nno line end' "$from"; } >"$T/a.mbox"
  shards 3 "$T/a.mbox"
  cat "$T/shard.1" "$T/shard.2" "$T/shard.3" >"$T/together"
  $filter "$T/together" | subjects | xargs | grep -x '1 4 7 2 5 3 6'
  $filter --shard=2/3 --input=mbox <"$T/a.mbox" | cmp - "$T/shard.2"
}
@test "with --seed a shard's messages have the ids that they have in the whole run" {
  export SOURCE_DATE_EPOCH=1764000000
  numbered 1 7 >"$T/a.mbox"
  mgw-filter "$T/keep.sieve" --seed=1 "$T/a.mbox" | grep '^Mgw-Id: ' >"$T/all"
  [ "$(sort -u "$T/all" | wc -l)" -eq 7 ]
  mgw-filter "$T/keep.sieve" --seed=1 --shard=2/3 "$T/a.mbox" | grep '^Mgw-Id: ' | diff <(sed -n '2p;5p' "$T/all") -
}
@test "mgw-recv --stdin takes shards as well" {
  numbered 1 5 >"$T/a.mbox"
  mgw-recv --stdin --input=mbox --shard=2/2 <"$T/a.mbox" | subjects | xargs | grep -x '2 4'
}
@test "--shard where there is one message, or frames, and shards that are none are 64" {
  run -64 bash -c "mail() { :; }; echo A: b | $filter --shard=1/2"
  run -64 $filter --shard=1/2 "$T/keep.sieve"
  run -64 bash -c "$filter --shard=1/2 --input=frames </dev/null"
  for bad in 0/2 3/2 1 /2 1/ 1/0 -1/2 1/2/3 a/b; do run -64 $filter --shard="$bad" --input=mbox </dev/null; done
  run -64 bash -c "mgw-queue add --spool=$T/spool --shard=1/2 --input=frames </dev/null"
}

# cutting OUT COMMAND...: appends what COMMAND prints to OUT, and kills it when OUT has grown by a random share of what it lacks.
# COMMAND reads standard input from the file in $in. Status 137 where it was killed.
cutting() {
  python3 - "$@" <<'EOS'
import os, random, subprocess, sys, time
out, command = sys.argv[1], sys.argv[2:]
whole = int(os.environ["WHOLE"])
with open(os.environ.get("in", os.devnull), "rb") as source, open(out, "ab") as sink:
    child = subprocess.Popen(command, stdin=source, stdout=sink, stderr=subprocess.DEVNULL)
    begin = os.path.getsize(out)
    limit = begin + random.random() * (whole - begin) * 0.6
    while child.poll() is None and os.path.getsize(out) <= limit:
        time.sleep(0.002)
    child.kill()
    sys.exit(child.wait() % 256 and 137)
EOS
}

@test "a run that is killed again and again, and goes on, writes each message once and in order" {
  big 15000 2000 >"$T/a.mbox"
  cuts=0 marks=0
  export WHOLE; WHOLE=$(wc -c <"$T/a.mbox")
  for try in $(seq 8); do
    status=0; cutting "$T/out" $filter --resume="$T/mark" "$T/a.mbox" || status=$?
    if [ "$status" -eq 137 ]; then cuts=$((cuts + 1)); else [ "$status" -eq 0 ]; fi
    if [ "$(awk '/^messages/ { print $2 }' "$T/mark")" -gt 0 ]; then marks=$((marks + 1)); fi
  done
  echo "$cuts times killed, $marks times with messages done"
  [ "$cuts" -ge 4 ]
  [ "$marks" -ge 1 ]
  $filter --resume="$T/mark" "$T/a.mbox" >>"$T/out"
  cmp "$T/a.mbox" "$T/out"
  grep -x 'finished 1' "$T/mark"
}
@test "a run that goes on does so over standard input, folders, Maildirs, and with shards" {
  export SOURCE_DATE_EPOCH=1764000000 # for the separators of what comes from a Maildir
  mkdir -p "$T/box/cur" "$T/box/new"
  for n in $(seq 100 400); do mail "n$n" >"$T/box/cur/$n"; done
  big 5000 2000 >"$T/a.mbox"
  $filter --shard=2/3 "$T/box" "$T/a.mbox" >"$T/want"
  export WHOLE in
  for try in $(seq 5); do
    WHOLE=$(wc -c <"$T/want") in=/dev/null
    # these are killed on purpose: what counts is what the next run makes of it
    cutting "$T/out1" $filter --resume="$T/m1" --shard=2/3 "$T/box" "$T/a.mbox" || true
    WHOLE=$(wc -c <"$T/a.mbox") in=$T/a.mbox
    cutting "$T/out2" $filter --resume="$T/m2" --input=mbox || true
  done
  $filter --resume="$T/m1" --shard=2/3 "$T/box" "$T/a.mbox" >>"$T/out1"
  cmp "$T/want" "$T/out1"
  $filter --resume="$T/m2" --input=mbox <"$T/a.mbox" >>"$T/out2"
  cmp "$T/a.mbox" "$T/out2"
}
@test "on a pipe, messages since the last mark are written again and none is missing" {
  big 10000 2000 >"$T/a.mbox"
  for try in $(seq 4); do
    timeout --signal=KILL "0.$((20 + RANDOM % 60))" $filter --resume="$T/mark" "$T/a.mbox" 2>/dev/null | cat >>"$T/out" || true
  done
  $filter --resume="$T/mark" "$T/a.mbox" | cat >>"$T/out"
  # a message that was cut off is there again, whole
  grep -a -x 'Subject: n[0-9]*' "$T/out" | sed 's/.*n//' | sort -n | uniq >"$T/got"
  comm -23 <(seq 10000 | sort) <(sort "$T/got") | diff /dev/null -
  python3 - "$T/a.mbox" "$T/out" <<'EOS'
import sys
whole = [set(open(p, "rb").read().split(b"From alice@")) for p in sys.argv[1:]]
sys.exit(bool(whole[0] - whole[1]))
EOS
}
@test "a full disk costs what was not written, and the run goes on" {
  big 200 20000 >"$T/a.mbox"
  run -75 bash -c "ulimit -f 1000; $filter --resume='$T/mark' '$T/a.mbox' >>'$T/out'"
  [ "$(wc -c <"$T/out")" -lt "$(wc -c <"$T/a.mbox")" ]
  $filter --resume="$T/mark" "$T/a.mbox" >>"$T/out"
  cmp "$T/a.mbox" "$T/out"
}
refused() { # STATUS WORDS COMMAND...
  local want=$1 words=$2; shift 2
  cp "$T/out" "$T/out.before"
  run "-$want" --separate-stderr bash -c "$* >>'$T/out'"
  [[ "$stderr" == *"$words"* ]] || { echo "$stderr"; return 1; }
  cmp "$T/out" "$T/out.before"
}
@test "a changed input, another shard, other operands and a broken mark are refused" {
  numbered 1 20 >"$T/a.mbox"; numbered 1 30 >"$T/b.mbox"
  $filter --resume="$T/mark" "$T/a.mbox" >"$T/out"
  refused 78 'another tool, over other operands' "$filter --resume='$T/mark' --shard=1/2 '$T/a.mbox'"
  refused 78 'over other operands' "$filter --resume='$T/mark' '$T/b.mbox'"
  refused 78 'over other operands' "$filter --resume='$T/mark' '$T/a.mbox' '$T/b.mbox'"
  refused 78 'with other options' "$filter --on-error=pass --resume='$T/mark' '$T/a.mbox'"
  echo 'stop;' >"$T/keep.sieve"
  refused 78 'another policy' "$filter --resume='$T/mark' '$T/a.mbox'"
  echo 'keep;' >"$T/keep.sieve"
  $filter --jobs=1 --memory=8M --explain --resume="$T/mark" "$T/a.mbox" 2>"$T/err" >>"$T/out"
  refused 78 'of another tool' "mgw-scan --block=strip --resume='$T/mark' '$T/a.mbox'"
  cp "$T/mark" "$T/good"; sed -i 's/^messages .*/messages 3/' "$T/mark"
  refused 78 'not what --resume writes' "$filter --resume='$T/mark' '$T/a.mbox'"
  head -c 100 "$T/good" >"$T/mark"
  refused 78 'not what --resume writes' "$filter --resume='$T/mark' '$T/a.mbox'"
  cp "$T/good" "$T/mark"; cp "$T/a.mbox" "$T/kept"
  sed -i '0,/Subject: n1$/s//Subject: N1/' "$T/a.mbox"
  refused 78 'is not what it was' "$filter --resume='$T/mark' '$T/a.mbox'"
  numbered 2 20 >"$T/a.mbox"
  refused 78 'is not what it was' "$filter --resume='$T/mark' '$T/a.mbox'"
  numbered 2 40 >"$T/a.mbox"
  refused 78 'is not what it was' "$filter --resume='$T/mark' '$T/a.mbox'"
  rm "$T/a.mbox"
  refused 65 "$T/a.mbox" "$filter --resume='$T/mark' '$T/a.mbox'"
}
@test "files of a folder that went away before the mark are missed" {
  mkdir -p "$T/box/cur"
  for n in 11 12 13; do mail "n$n" >"$T/box/cur/$n"; done
  $filter --resume="$T/mark" "$T/box" >"$T/out"
  mail n14 >"$T/box/cur/14"; mv "$T/box/cur/12" "$T/box/cur/12:2,S" # flags are no change
  $filter --resume="$T/mark" "$T/box" >>"$T/out"
  subjects "$T/out" | xargs | grep -x '11 12 13 14'
  rm "$T/box/cur/12:2,S"
  refused 78 'not the same any more' "$filter --resume='$T/mark' '$T/box'"
}
@test "a finished run says so, and takes only what came after it" {
  numbered 1 3 >"$T/a.mbox"
  $filter --resume="$T/mark" "$T/a.mbox" >"$T/out"
  run -0 --separate-stderr bash -c "$filter --resume='$T/mark' '$T/a.mbox' >>'$T/out'"
  [[ "$stderr" == *"3 messages are done, the run was finished"* ]]
  cmp "$T/a.mbox" "$T/out"
  numbered 4 5 >>"$T/a.mbox"
  $filter --resume="$T/mark" "$T/a.mbox" >>"$T/out"
  cmp "$T/a.mbox" "$T/out"
}
@test "an output that lost something, that others write, or that is another file is noticed" {
  numbered 1 5 >"$T/a.mbox"
  $filter --resume="$T/mark" "$T/a.mbox" >"$T/out"
  numbered 6 9 >>"$T/a.mbox"
  cp "$T/out" "$T/whole"; cp "$T/mark" "$T/good"
  head -c 100 "$T/whole" >"$T/out"
  refused 78 'append to it with >>' "$filter --resume='$T/mark' '$T/a.mbox'"
  # what stands behind the mark is not sure, and goes
  { cat "$T/whole"; echo half a mess; } >"$T/out"
  $filter --resume="$T/mark" "$T/a.mbox" >>"$T/out"
  cmp "$T/a.mbox" "$T/out"
  cp "$T/good" "$T/mark"
  (exec 9>>"$T/out"; flock -x 9; run -75 bash -c "$filter --resume='$T/mark' '$T/a.mbox' >>'$T/out'")
  $filter --resume="$T/mark" "$T/a.mbox" >"$T/other" 2>"$T/err"
  grep -q 'written again' "$T/err"
  cat "$T/whole" "$T/other" | cmp - "$T/a.mbox"
}
@test "--resume where a place cannot be found again is 64, and one message is none" {
  numbered 1 3 >"$T/a.mbox"
  run -64 bash -c "cat '$T/a.mbox' | $filter --input=mbox --resume='$T/mark'"
  run -64 bash -c "$filter --resume='$T/mark' <'$T/a.mbox'"
  run -64 bash -c "$filter --input=frames --resume='$T/mark' </dev/null"
  mkfifo "$T/fifo"
  run -64 $filter --resume="$T/mark" "$T/a.mbox" "$T/fifo"
  [ ! -e "$T/mark" ]
}
@test "a FILE that cannot be written is 78 before anything was read, and 75 later" {
  numbered 1 30 >"$T/a.mbox"
  run -78 --separate-stderr $filter --resume="$T/none/mark" "$T/a.mbox"
  [ "$output" = "" ]
  [[ "$stderr" == *"$T/none/mark"* ]]
  mkdir "$T/some"
  run -75 bash -c "mgw-filter --block=strip --jobs=1 --resume='$T/some/mark' '$T/a.mbox' --each sh -c 'rm -rf $T/some; sleep 0.05; cat' >'$T/out'"
  [[ "$output" == *"$T/some/mark"* ]]
}
@test "the status of failed messages outlives an interruption" {
  numbered 1 3 >"$T/a.mbox"
  cat >"$T/fail.sh" <<'EOS'
#!/bin/sh
cat >"$1.now"; if grep -q "Subject: n2" "$1.now"; then exit 1; fi; cat "$1.now"
EOS
  run -75 --separate-stderr bash -c "mgw-filter --block=strip --jobs=1 --resume='$T/mark' '$T/a.mbox' --each sh '$T/fail.sh' '$T/x' >'$T/out'"
  cmp "$T/a.mbox" "$T/out"
  grep -x 'status 75' "$T/mark"
}

# on_terminal COMMAND...: standard error is a terminal; what it got is printed
on_terminal() {
  python3 - "$@" <<'EOS'
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=theirs)
os.close(theirs)
got = b""
try:
    while piece := os.read(ours, 65536):
        got += piece
except OSError:
    pass
sys.stdout.buffer.write(got)
sys.exit(child.wait())
EOS
}
@test "progress is shown on a terminal, and cleared; nowhere else" {
  numbered 1 30 >"$T/a.mbox"
  slow=(mgw-filter --block=strip --jobs=1 "$T/a.mbox" --each sh -c 'sleep 0.1; cat')
  on_terminal "${slow[@]}" >"$T/shown"
  grep -a -q 'mgw-filter: [0-9]* messages, 0 MB, .* MB/s, 0:0[0-9] left' "$T/shown"
  tail -c 4 "$T/shown" | od -c | grep -q '\\r 033   \[   K'
  "${slow[@]}" >/dev/null 2>"$T/err"
  [ ! -s "$T/err" ]
  on_terminal mgw-filter --block=strip --jobs=1 --log=- "$T/a.mbox" --each sh -c 'sleep 0.1; cat' >"$T/shown"
  run ! grep -a -q 'MB/s' "$T/shown"
}

@test "memory does not grow with the mbox" {
  peak() { big "$1" 50000 | python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' $filter --input=mbox --memory=4M; }
  small=$(peak 100) large=$(peak 1200)
  echo "5 MB: $small KiB, 60 MB: $large KiB"
  [ "$large" -lt $((small + 8192)) ]
}
@test "a slow message does not make those behind it pile up" {
  { numbered 1 1; big 1200 50000; } >"$T/a.mbox"
  python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' \
    mgw-filter --block=strip --jobs=4 --memory=4M "$T/a.mbox" --each sh -c 'cat >/dev/null; grep -q me && sleep 2; echo A: b' >"$T/peak"
  [ "$(cat "$T/peak")" -lt 40000 ]
}
@test "a message is named by its file and its number in that, also where a run goes on" {
  named() { mgw-filter --explain --resume="$T/mark" "$T/keep.sieve" "$T/one" "$T/two" 2>&1 >>"$T/out" | grep -o 'two, message [0-9]*' | tr '\n' ' '; }
  numbered 1 3 >"$T/one"; numbered 4 6 >"$T/two"
  [ "$(named)" = "two, message 1 two, message 2 two, message 3 " ]
  numbered 7 7 >>"$T/two"
  [ "$(named)" = "two, message 4 " ]
}
@test "a file that is no mark is not said to be removed" {
  numbered 1 3 >"$T/one"
  run -78 --separate-stderr mgw-filter --resume="$T/one" "$T/keep.sieve" "$T/one"
  [[ "$stderr" != *remove* && "$stderr" == *"name another file"* ]]
}

@test "records name the file and the number of their message, and not where they redact" {
  { echo 'From a Tue Nov 24 10:00:00 2026'; mail one; echo; echo 'From b Tue Nov 24 10:00:01 2026'; mail two; } >"$T/a.mbox"
  mgw-filter --log="$T/log" "$T/keep.sieve" "$T/a.mbox" >"$T/out"
  [ "$(jq -r .source "$T/log" | sort)" = "$T/a.mbox, message 1
$T/a.mbox, message 2" ]
  mgw-filter --log="$T/redacted" --log-redact "$T/keep.sieve" "$T/a.mbox" >"$T/out"
  [ "$(jq -r .source "$T/redacted" | sort -u)" = null ]
}

@test "a message whose flags change again and again while a Maildir is read is not lost" {
  cd "$T" || return
  mkdir -p d/cur d/new d/tmp
  for n in $(seq 1000 1600); do mail "$n" >"d/cur/$n.M1.h:2,"; done
  echo 'keep;' >p.sieve
  cat >flip.py <<'PY'
import os, random, subprocess, sys, time
names = {n: "d/cur/%d.M1.h:2," % n for n in range(1000, 1601)}
p = subprocess.Popen(["mgw-filter", "--policy", "p.sieve", "d"], stdout=open("out", "wb"))
while p.poll() is None:
    if os.path.getsize("out") == 0:  # the folder was not listed yet
        time.sleep(0.001)
        continue
    n = random.choice(list(names))
    new = "d/cur/%d.M1.h:2,%s" % (n, random.choice(["", "S", "RS", "FRS", "F", "T"]))
    os.rename(names[n], new)
    names[n] = new
sys.exit(p.returncode)
PY
  run -0 --separate-stderr python3 flip.py
  [ -z "$stderr" ]
  [ "$(grep -c '^Message-ID:' out)" = 601 ]
}
