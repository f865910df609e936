#!/usr/bin/env bash
# Installs what the Node example takes from npm, at the releases and with the checksums that its
# package-lock.json pins, and prints the folder with the packages (the last line of standard output;
# everything else goes to standard error).
#
#   tests/install_node_packages.sh FOLDER      for example: tests/install_node_packages.sh build/node_packages
#
# npm's own settings say where from. Needs no network once FOLDER is filled. Any number of runs may
# share one FOLDER.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "install_node_packages: $*"
  exit 1
}

main() {
  [[ $# -eq 1 && -n $1 ]] || fail "usage: $0 FOLDER"
  local example folder file
  example=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../config/examples/node_lock" && pwd)
  mkdir -p -- "$1"
  folder=$(cd -- "$1" && pwd)
  exec 9>"$folder/.lock"
  flock 9
  # installed.json is the lock file of the last complete installation.
  if [[ ! -e $folder/node_modules/consul ]] || ! cmp -s -- "$example/package-lock.json" "$folder/installed.json"; then
    type -P npm >/dev/null || fail "npm is missing: install Debian's package npm, or Node with its own npm"
    say "install_node_packages: npm installs what the Node example uses"
    for file in package.json package-lock.json; do cp -- "$example/$file" "$folder/$file"; done
    (cd -- "$folder" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier 9>&- >&2) ||
      fail "npm could not install the Node example's packages; see its messages above"
    cp -- "$folder/package-lock.json" "$folder/installed.json"
  fi
  printf '%s\n' "$folder/node_modules"
}

main "$@"
