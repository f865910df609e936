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

[[ $# -eq 1 && -n $1 ]] || fail "usage: $0 FOLDER"
take_program "$1" promtool SHMCONF_PROMTOOL bookworm prometheus
