#!/usr/bin/env bash
# Guards the cost of a read, a publish and a decode: counts their instructions under valgrind, which
# gives the same figure on a busy machine as on an idle one, and fails where one is more than 10 % above
# the figure in instructions.txt.
#
#   tests/bench/instructions.sh PROGRAM [--update]
#
# PROGRAM is the built `instructions`. --update writes today's figures for this compiler into
# instructions.txt instead; say in the commit why they moved.
set -euo pipefail

readonly kPercent=10
figures=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)/instructions.txt

fail() {
  printf 'instructions: %s\n' "$*" >&2
  exit 1
}

# count WORK: instructions of one execution. The program says on standard output how often it ran.
count() {
  local log times collected
  log=$(mktemp)
  times=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect="counted_$1" \
    --log-file="$log" "$program" "$1") || fail "$1: $(tail -n 5 "$log")"
  collected=$(sed -n 's/^==[0-9]*== Collected : //p' "$log")
  rm -f -- "$log"
  [[ $collected =~ ^[1-9][0-9]*$ ]] || fail "$1: valgrind counted nothing"
  echo $((collected / times))
}

main() {
  [[ $# -ge 1 && -x $1 ]] || fail "usage: $0 PROGRAM [--update]"
  program=$1
  type -P valgrind >/dev/null || fail "valgrind is missing: install Debian's package valgrind"
  local compiler work now before code=0
  compiler=$(uname -m)-g++-$("${CXX:-c++}" -dumpversion)
  for work in read publish decode; do
    now=$(count "$work")
    before=$(awk -v c="$compiler" -v w="$work" '$1 == c && $2 == w { print $3 }' "$figures")
    printf '%s: %s instructions (figure: %s)\n' "$work" "$now" "${before:-none}"
    if [[ ${2:-} == --update ]]; then
      awk -v c="$compiler" -v w="$work" '!($1 == c && $2 == w)' "$figures" >"$figures.new"
      printf '%s %s %s\n' "$compiler" "$work" "$now" >>"$figures.new"
      mv -- "$figures.new" "$figures"
    elif [[ -z $before ]]; then
      echo "no figure for $compiler: record one with $0 $program --update" >&2
      code=1
    elif ((now * 100 > before * (100 + kPercent))); then
      echo "$work costs more than $kPercent % above its figure" >&2
      code=1
    fi
  done
  exit "$code"
}

main "$@"
