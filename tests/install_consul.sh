#!/usr/bin/env bash
# Makes a real Consul available to the tests and prints the path of its binary (the last line of
# standard output; everything else goes to standard error).
#
#   tests/install_consul.sh FOLDER      for example: tests/install_consul.sh build/consul
#
# Taken in this order: $SHMCONF_CONSUL; `consul` on PATH; FOLDER/consul from an earlier run; else
# Debian 11's own package is downloaded into FOLDER. Needs no rights beyond writing to FOLDER,
# changes nothing in the machine's apt configuration, and needs no network once FOLDER is filled.
# Any number of runs may share one FOLDER.
set -euo pipefail

# shellcheck source=tests/debian_package.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/debian_package.sh"

say() { printf 'install_consul: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

usable() { [[ -x $1 && ! -d $1 ]] && "$1" version >/dev/null 2>&1; }

[[ $# -eq 1 && -n $1 ]] || fail "usage: $0 FOLDER"
take_program "$1" consul SHMCONF_CONSUL bullseye consul
