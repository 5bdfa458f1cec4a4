# Holds help, manual pages, completions and examples together: the option list exists once, in each tool's declarations.
load helper

tools() { echo mgw-recv mgw-auth mgw-scan mgw-filter mgw-crypt mgw-route mgw-queue mgw-send mgw-archive mgw-monitor; }

# examples_folder DIR: what the manual pages' examples find
examples_folder() {
  mkdir -p "$1"
  cp "$MGW_ROOT/share/pipelines/quickstart/clean.eml" "$1/message.eml"
  cp "$MGW_ROOT/share/pipelines/quickstart/zone.db" "$1/zone.db"
  cp "$MGW_ROOT/share/pipelines/inbound.sieve" "$1/policy.sieve"
  cp "$MGW_ROOT/tests/data/docs/records.json" "$1/records.json"
  for n in 1 2 3 4 5; do
    printf 'From alice@example.net Tue Nov 24 05:47:3%d 2026\n' "$n"
    mail "number $n"
    echo
  done >"$1/archive.mbox"
}

# visible PAGE: a manual page as plain text
visible() { MANWIDTH=200 man --local-file "$1" 2>/dev/null | col -b; }

@test "every tool has a manual page, and every page passes the checkers" {
  for tool in $(tools); do
    [ -s "$MGW_BUILD/man/$tool.1" ] || { echo "no page for $tool"; return 1; }
  done
  for page in "$MGW_BUILD"/man/*.[0-9]; do
    mandoc -T lint -W error "$page"
    warnings=$(LC_ALL=C MANROFFSEQ='' man --warnings --local-file "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || { echo "$page: $warnings"; return 1; }
  done
}

@test "help, manual page and completions name the same options" {
  for tool in $(tools); do
    visible "$MGW_BUILD/man/$tool.1" >"$T/page"
    "$tool" --help >"$T/help"
    "$tool" --generate=names >"$T/names"
    [ -s "$T/names" ]
    while read -r first second; do
      if [ -n "$second" ]; then "$tool" "$first" --help >"$T/command-help"; option=$second; help=$T/command-help
      else option=$first; help=$T/help; fi
      grep -q -- "$option\b" "$help" || { echo "$tool: $first $second is not in --help"; return 1; }
      grep -q -- "$option\b" "$T/page" || { echo "$tool: $first $second is not in the manual page"; return 1; }
      grep -q -- "$option\b" "$MGW_BUILD/completions/bash/$tool" || { echo "$tool: $option is not completed by bash"; return 1; }
      grep -q -- "$option\b" "$MGW_BUILD/completions/zsh/_$tool" || { echo "$tool: $option is not completed by zsh"; return 1; }
      grep -q -- "-l ${option#--}\b" "$MGW_BUILD/completions/fish/$tool.fish" || { echo "$tool: $option is not completed by fish"; return 1; }
    done <"$T/names"
  done
}

@test "help and errors of a command are the command's" {
  mgw-filter diff --help >"$T/help"
  grep -q '^Usage: mgw-filter diff' "$T/help"
  grep -q -- --json "$T/help"
  run -64 --separate-stderr mgw-filter diff one
  [[ "$stderr" == *"see mgw-filter diff --help"* ]]
}

@test "every oddity of a message is described in mgw(7)" {
  sed -n 's/.*{Oddity::[a-z0-9_]*, "\([^"]*\)"}.*/\1/p' "$MGW_ROOT/lib/mail/oddity.cpp" >"$T/names"
  [ "$(wc -l <"$T/names")" -gt 30 ]
  while read -r name; do
    grep -q "_${name}_" "$MGW_ROOT/man/mgw.7.scd" || { echo "$name is not described"; return 1; }
  done <"$T/names"
}

@test "no manual page names an option that no tool has" {
  for tool in $(tools); do "$tool" --generate=names; done | sed 's/.* //' | sort -u >"$T/all"
  printf '%s\n' --help --version --array --homedir --batch --quick-generate-key --passphrase >>"$T/all"
  for page in "$MGW_ROOT"/man/*.scd; do
    sed 's/\\\(.\)/\1/g' "$page" | grep -o -- '--[a-z][a-z-]*[a-z]' | sort -u | while read -r option; do
      grep -qx -- "$option" "$T/all" || { echo "$page names $option"; return 1; }
    done
  done
}

@test "completion scripts are sound in their shells" {
  for tool in $(tools); do
    bash -n "$MGW_BUILD/completions/bash/$tool"
    if command -v zsh >/dev/null; then zsh -n "$MGW_BUILD/completions/zsh/_$tool"; fi
    if command -v fish >/dev/null; then fish --no-execute "$MGW_BUILD/completions/fish/$tool.fish"; fi
  done
}

@test "bash completes options, their values and commands" {
  run bash -c "source '$MGW_BUILD/completions/bash/mgw-filter'; COMP_WORDS=(mgw-filter --exp); COMP_CWORD=1; _mgw_filter; printf '%s\n' \"\${COMPREPLY[@]}\""
  [ "$output" = "--explain" ]
  run bash -c "source '$MGW_BUILD/completions/bash/mgw-filter'; COMP_WORDS=(mgw-filter --on-error q); COMP_CWORD=2; _mgw_filter; printf '%s\n' \"\${COMPREPLY[@]}\""
  [ "$output" = "quarantine" ]
  run bash -c "source '$MGW_BUILD/completions/bash/mgw-queue'; COMP_WORDS=(mgw-queue ho); COMP_CWORD=1; _mgw_queue; printf '%s\n' \"\${COMPREPLY[@]}\""
  [ "$output" = "hold" ]
}

@test "every example of the manual pages runs" {
  for page in "$MGW_ROOT"/man/*.scd; do
    folder=$T/$(basename "$page" .scd)
    examples_folder "$folder"
    mkdir -p "$folder/home"
    # scdoc's backslash escapes the next character in running text; inside literal blocks nothing is escaped
    sed -n 's/^[[:space:]]*\$ //p' "$page" | sed 's/\\\(.\)/\1/g' >"$folder/commands"
    while IFS= read -r command; do
      status=0
      (cd "$folder" && HOME=$folder/home XDG_STATE_HOME=$folder/state timeout 60 bash -o pipefail -c "$command") >"$folder/out" 2>&1 </dev/null || status=$?
      [ "$status" -eq 0 ] || { echo "$page: $command: status $status"; cat "$folder/out"; return 1; }
    done <"$folder/commands"
    gpgconf --homedir "$folder/gnupg" --kill all 2>/dev/null || true
  done
}

# recipe N: the N-th procmail recipe of mgw-recv(1)
recipe() { awk -v n="$1" '/^```/ { if (!inside) text = ""; else if (text ~ /:0 fw/ && ++seen == n) printf "%s", text; inside = !inside; next } inside { text = text $0 "\n" }' "$MGW_ROOT/man/mgw-recv.1.scd"; }

# by_procmail N NAME: gives NAME.eml to the recipe
by_procmail() {
  { printf 'PATH=%s\nHOME=%s\nMAILDIR=%s\nDEFAULT=%s/inbox/\nLOGFILE=%s/log\n' "$PATH" "$T" "$T" "$T" "$T"; recipe "$1"; } >"$T/rc"
  (cd / && procmail "$T/rc") <"$T/$2.eml" || { status=$?; tail -5 "$T/log"; return "$status"; }
}

@test "the procmail recipes of mgw-recv(1) do what they say" {
  command -v procmail formail >/dev/null || skip "no procmail"
  printf 'require ["fileinto", "reject", "vnd.mgw.verdict"];\nif header "subject" "spam" { quarantine :class "spam"; } elsif header "subject" "refused" { reject "no"; }\nelsif header "subject" "list" { fileinto "Lists"; }\n' >"$T/policy.sieve"
  for name in good spam refused list; do mail "$name" >"$T/$name.eml"; done
  { echo 'Mgw-Verdict: reject * class=policy by=me at=x'; mail forged; } >"$T/forged.eml"
  for n in 1 2; do [ "$(recipe "$n" | grep -c 'mgw-recv --stdin')" -eq 1 ]; done

  by_procmail 1 good
  { mail good; echo; } | cmp - "$T"/inbox/new/* # procmail ends every message in an empty line
  rm "$T"/inbox/new/*
  by_procmail 1 forged
  run ! grep -r Mgw- "$T/inbox"
  run -77 by_procmail 1 refused
  run -77 by_procmail 1 spam
  rm -r "$T/inbox"

  by_procmail 2 good
  by_procmail 2 forged
  by_procmail 2 spam
  by_procmail 2 refused
  by_procmail 2 list
  [ "$(find "$T/inbox/new" -type f | wc -l)" -eq 2 ]
  [ "$(find "$T/held/new" -type f | wc -l)" -eq 2 ]
  { mail list; echo; } | cmp - "$T"/lists/new/*
  run ! grep -r Mgw- "$T/inbox"

  mv "$T/policy.sieve" "$T/gone"
  for n in 1 2; do run -75 by_procmail "$n" good; done
  [ "$(find "$T/inbox/new" -type f | wc -l)" -eq 2 ]
}

@test "the README's commands and options exist" {
  grep -o 'mgw-[a-z]*' "$MGW_ROOT/README.md" | sort -u | while read -r tool; do
    case " $(tools) " in *" $tool "*) ;; *) [ -e "$MGW_ROOT/share/pipelines/examples/$tool" ] || { echo "README names $tool"; return 1; } ;; esac
  done
  grep -o '\(share\|tests\|man\|lib\|tools\)/[A-Za-z0-9_./-]*[A-Za-z0-9]' "$MGW_ROOT/README.md" | sort -u | while read -r path; do
    [ -e "$MGW_ROOT/$path" ] || { echo "README names $path"; return 1; }
  done
}

@test "shell scripts pass shellcheck" {
  shellcheck -S warning "$MGW_ROOT"/share/pipelines/*.sh "$MGW_ROOT"/share/pipelines/examples/*.sh "$MGW_ROOT"/tests/run.sh "$MGW_ROOT"/tests/bench/*.sh
}
