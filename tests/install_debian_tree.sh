#!/usr/bin/env bash
# Makes a Debian 12 system in a folder, for the tests that need a clean machine: with systemd as its first
# process, and with what shmconf's packages depend on, but without shmconf. Prints its path (the last line
# of standard output; everything else goes to standard error).
#
#   tests/install_debian_tree.sh FOLDER      for example: tests/install_debian_tree.sh build/debian_tree
#
# The packages come from the machine's own mirror. Needs root, or sudo that asks no password; needs no
# network once FOLDER is filled. Any number of runs may share one FOLDER. Nobody writes to the tree after
# this: a test works on a copy, or on an overlay above it.
set -euo pipefail
export LC_ALL=C

readonly kSuite=bookworm
readonly kKeyring=/usr/share/keyrings/debian-archive-keyring.gpg
# Runtime dependencies of the packages, and what an operator has around a service.
readonly kPackages=(systemd systemd-sysv dbus adduser ca-certificates curl libspdlog1.10 libfmt9 libssl3 libseccomp2 libcap2
  libsimdjson14 libprometheus-cpp-core1.0 python3 nodejs)

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "install_debian_tree: $*"
  exit 1
}

mirror() {
  # shellcheck disable=SC2016  # apt fills these in, not the shell
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(CODENAME) $(CREATED_BY)' |
    awk -v suite="$kSuite" '$2 == "main" && $3 == suite && $4 == "Packages" { print $1; exit }'
}

main() {
  [[ $# -eq 1 && -n $1 ]] || fail "usage: $0 FOLDER"
  local folder from packages elevate=()
  mkdir -p -- "$1"
  folder=$(cd -- "$1" && pwd)
  packages=$(IFS=,; printf '%s' "${kPackages[*]}")
  exec 9>"$folder/.lock"
  flock 9
  # The list of a complete tree: a newer list makes it anew.
  if [[ ! -d $folder/tree ]] || [[ $(cat "$folder/packages" 2>/dev/null) != "$packages" ]]; then
    [[ $(id -u) == 0 ]] || elevate=(sudo -n)
    from=$(mirror)
    [[ -n $from ]] || fail "apt names no mirror of Debian $kSuite"
    say "install_debian_tree: making a Debian tree from this machine's mirror"
    rm -f -- "$folder/packages"
    "${elevate[@]}" rm -rf -- "$folder/tree"
    "${elevate[@]}" debootstrap --variant=minbase --keyring="$kKeyring" --include="$packages" "$kSuite" \
      "$folder/tree" "$from" 9>&- >&2 || fail "debootstrap failed; see its messages above and $folder/tree/debootstrap"
    "${elevate[@]}" rm -rf -- "$folder"/tree/var/cache/apt/archives/*.deb "$folder"/tree/var/lib/apt/lists/*
    printf '%s\n' "$packages" >"$folder/packages"
  fi
  printf '%s\n' "$folder/tree"
}

main "$@"
