#!/usr/bin/env bash
# Measures shmconf beside what a service would use instead, on this machine, and prints one table in
# Markdown: measure, ours, peer, ratio, bar, and whether it holds. Figures are `median / p99`.
#
#   bash tests/bench/run.sh [FOLDER]      default: build/bench/results
#
# Installs what is missing, builds a release tree in build/bench, and takes about ten minutes, best on
# a machine with nothing else to do. FOLDER gets table.md and the plots reading.svg and
# propagation.svg. It asserts nothing: a bar that is missed is a row that says so.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# shellcheck source=config/build_tree.sh
source config/build_tree.sh

readonly kTree=build/bench
readonly kPrograms=(read_bench change_bench scaling_bench propagation_bench size_bench start_bench)

machine() {
  local model kernel
  model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -n 1)
  kernel=$(uname -sr)
  printf '%s, %s x %s, %s, %s; load average %s when it began\n' "$(date -u +%F)" "$(nproc)" \
    "${model:-$(uname -m)}" "$kernel" "$("${CXX:-c++}" --version | head -n 1)" "$(cut -d' ' -f1 /proc/loadavg)"
}

plot() {
  local points=$1 picture=$2 what=$3
  [[ -s $points ]] || return 0
  # Each series from its own rows: gnuplot has no notion of groups.
  local series=() name
  mapfile -t series < <(cut -f1 "$points" | awk '!seen[$0]++')
  local lines=()
  for name in "${series[@]}"; do
    lines+=("'< awk -F\"\\t\" -v s=\"$name\" \"\\\$1 == s\" \"$points\"' using 2:3 with linespoints lw 2 title '$name'")
  done
  local joined
  joined=$(printf '%s, ' "${lines[@]}")
  gnuplot <<GNUPLOT
set terminal svg size 720,420 dynamic font 'sans-serif,14' background 'white'
set output '$picture'
set datafile separator '\t'
set logscale xy
set grid
set key left top
set xlabel 'keys'
set ylabel '$what'
plot ${joined%, }
GNUPLOT
}

main() {
  local folder=${1:-$kTree/results} program consul
  bash config/install_packages.sh build bench
  lock_tree build
  consul=$(bash tests/install_consul.sh build/consul 9>&- | tail -n 1)
  build_tree "$kTree" benchmarks -DCMAKE_BUILD_TYPE=Release -DSHMCONF_BUILD_TESTS=ON -DSHMCONF_BUILD_PYTHON=OFF \
    -DSHMCONF_BUILD_NODE=OFF -DSHMCONF_SANITIZE= >&2
  # The caller's own Consul and settings stay out of it.
  local variable
  for variable in "${!CONSUL_@}" "${!SHMCONF_@}"; do unset "$variable"; done
  export SHMCONF_CONSUL=$consul

  mkdir -p -- "$folder"
  rm -f -- "$folder"/{table.md,reading.tsv,propagation.tsv,reading.svg,propagation.svg}
  {
    machine
    printf '\n| measure | ours | peer | ratio | bar | holds |\n|---|---|---|---|---|---|\n'
  } >"$folder/table.md"
  for program in "${kPrograms[@]}"; do
    local more=()
    case $program in
      read_bench) more=(--points "$folder/reading.tsv") ;;
      propagation_bench) more=(--points "$folder/propagation.tsv") ;;
    esac
    printf 'running %s\n' "$program" >&2
    "$kTree/tests/$program" --rows "$folder/table.md" "${more[@]}" 9>&- >&2 ||
      printf '%s did not end well; its rows are missing\n' "$program" | tee -a "$folder/table.md" >&2
  done
  plot "$folder/reading.tsv" "$folder/reading.svg" 'random hit, ns'
  plot "$folder/propagation.tsv" "$folder/propagation.svg" 'PUT acknowledged to reader woken, us'

  cat -- "$folder/table.md"
  printf '\nTable and plots: %s\n' "$folder"
}

main "$@"
