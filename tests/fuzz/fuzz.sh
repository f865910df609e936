#!/usr/bin/env bash
# Runs one fuzz target for a time, from its corpus and from what earlier runs in this tree found.
#
#   fuzz.sh PROGRAM CORPUS WORK-FOLDER SECONDS
#
# Fails, and says where the input is, when an input crashes it, makes it slow or breaks a promise.
set -euo pipefail
program=$1 corpus=$2 work=$3 seconds=$4
name=$(basename -- "$corpus")

found=$work/$name/found crashes=$work/$name/crashes
mkdir -p -- "$found" "$crashes"
# The targets that need files make many: on memory, and gone with this script.
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" shmconf-fuzz-XXXXXX)
trap 'rm -rf -- "$scratch"' EXIT

dictionary=()
[[ -e $corpus.dict ]] && dictionary=("-dict=$corpus.dict")
if ! TMPDIR=$scratch "$program" "${dictionary[@]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
  -max_len=16384 -print_final_stats=1 -artifact_prefix="$crashes/" "$found" "$corpus" >"$work/$name/log" 2>&1; then
  grep -v '^#' "$work/$name/log" | tail -n 60
  input=$(sed -n 's/.*Test unit written to //p' "$work/$name/log" | tail -n 1)
  echo "once more: $program ${input:-FILE}"
  echo "once mended, it stays as a regression test: cp ${input:-FILE} $corpus/"
  exit 1
fi
grep -E '^#[0-9]+[[:space:]]+DONE|^stat::(number_of_executed_units|average_exec_per_sec)' "$work/$name/log"
