#!/usr/bin/env bash
# The manual pages against the program: every command, every option, every setting; and their markup, by
# mandoc and by man.
#
#   check_manual_pages.sh PROGRAM PAGES-FOLDER
set -euo pipefail
program=$1
pages=$2
# shellcheck source=tests/packages/packages.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/packages.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export LC_ALL=C.UTF-8 MANWIDTH=500

for page in shmconf.1 shmconf.json.5; do
  mandoc -T lint -W style "$pages/$page" || fail "$page: see mandoc above"
  man --warnings=w --local-file "$pages/$page" 2>"$work/warnings" | col -bx >"$work/$page"
  [[ ! -s $work/warnings ]] || fail "$page: man: $(cat "$work/warnings")"
done

# section HEADING: of shmconf(1), up to the next heading of its kind.
section() { awk -v heading="$1" '/^(   )?[^ ]/ { inside = $0 ~ "^ *" heading "$" } inside' "$work/shmconf.1"; }
commands=$("$program" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[[ $(wc -w <<<"$commands") -ge 14 ]] || fail "--help lists no commands"
settings=$(section 'Finding a configuration' && section 'The sidecar')
options=0
for command in $commands; do
  text=$(section "$command")
  [[ $text == *"shmconf $command"* ]] || fail "shmconf(1) has no section for $command"
  for option in $("$program" "$command" --help | sed -n 's/^  \(-h,\)\?\(--[a-z-]*\).*/\2/p'); do
    [[ $option == --help || $text$settings == *" $option"[[:space:]]* ]] || fail "shmconf(1) lacks $option of $command"
    options=$((options + 1))
  done
done
((options > 100)) || fail "--help shows no options"
for variable in CONSUL_HTTP_ADDR SHMCONF_CONSUL_TLS_VERIFY SHMCONF_LOG_LEVEL; do
  grep -q "$variable" "$work/shmconf.1" || fail "shmconf(1) lacks $variable"
done
grep -q 'consul\.tls\.ca_file: ""' "$work/shmconf.json.5" || fail "shmconf.json(5) lacks the default of consul.tls.ca_file"
echo "$(wc -w <<<"$commands") commands, $options options; mandoc and man have nothing to say"
