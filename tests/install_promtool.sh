#!/usr/bin/env bash
# Makes promtool available to the tests, which check the metrics and the alert rules with it, and prints
# its path (the last line of standard output; everything else goes to standard error).
#
#   tests/install_promtool.sh FOLDER      for example: tests/install_promtool.sh build/promtool
#
# Taken in this order: $SHMCONF_PROMTOOL; `promtool` on PATH; FOLDER/promtool from an earlier run; else out
# of Debian 12's package prometheus, which installed would start a daemon. Needs no rights beyond writing
# to FOLDER, and no network once FOLDER is filled. Any number of runs may share one FOLDER.
set -euo pipefail
# shellcheck source=tests/debian_package.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/debian_package.sh"

say() { printf 'install_promtool: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

usable() { [[ -x $1 && ! -d $1 ]] && "$1" --version >/dev/null 2>&1; }

main() {
  [[ $# -eq 1 && -n $1 ]] || fail "usage: $0 FOLDER"
  if [[ -n ${SHMCONF_PROMTOOL:-} ]]; then
    usable "$SHMCONF_PROMTOOL" || fail "SHMCONF_PROMTOOL=$SHMCONF_PROMTOOL does not run; correct or unset it"
    realpath -s -- "$SHMCONF_PROMTOOL"
    return
  fi
  local on_path
  if on_path=$(type -P promtool) && usable "$on_path"; then
    realpath -s -- "$on_path"
    return
  fi

  mkdir -p -- "$1"
  local folder
  folder=$(cd -- "$1" && pwd)
  exec 9>"$folder/.lock"
  flock 9
  if ! usable "$folder/promtool"; then
    work=$(mktemp -d "$folder/download.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    unpack_package "$work" bookworm prometheus && usable "$work/tree/usr/bin/promtool" ||
      fail "no Debian mirror of this machine supplied package prometheus;" \
        "install promtool yourself and set SHMCONF_PROMTOOL to its path"
    mv -f -- "$work/tree/usr/bin/promtool" "$folder/promtool"
  fi
  printf '%s\n' "$folder/promtool"
}

main "$@"
