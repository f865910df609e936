#!/usr/bin/env bash
# Checks every source of src, and the headers that it includes, with the short list in .clang-tidy.
#
#   tests/lint/clang_tidy.sh BUILD      BUILD holds compile_commands.json
#
# Python's and Node's extensions stay out: their headers are not ours to judge.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

main() {
  [[ $# -eq 1 && -f $1/compile_commands.json ]] || {
    echo "usage: $0 BUILD, a CMake build folder" >&2
    exit 2
  }
  local tidy sources=()
  tidy=$(type -P clang-tidy-14 || type -P clang-tidy || true)
  [[ -n $tidy ]] || {
    echo "clang-tidy is missing: install Debian's package clang-tidy-14" >&2
    exit 1
  }
  mapfile -t sources < <(find src -name '*.cc' -not -path 'src/python/*' -not -path 'src/node/*' | sort)
  # One at a time: tests run beside it.
  "$tidy" -p "$1" --quiet --warnings-as-errors='*' "${sources[@]}" 2>/dev/null
  printf '%s sources pass\n' "${#sources[@]}"
}

main "$@"
