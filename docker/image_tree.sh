#!/usr/bin/env bash
# Lays out the files of the image.
#
#   docker/image_tree.sh BINARY FOLDER      BINARY: the program shmconf
#
# In FOLDER/opt/shmconf it has its loader and its libraries with it, so that it runs in any image. Needs
# ldd, strip, patchelf, and the package ca-certificates.
set -euo pipefail

# Of the user and the group in the image; /run/shmconf and /var/lib/shmconf are theirs.
readonly kId=10001
readonly kAuthorities=/etc/ssl/certs/ca-certificates.crt

fail() {
  printf 'image_tree: %s\n' "$*" >&2
  exit 1
}

# The shared libraries of BINARY, and the loader, as `ldd` finds them on this machine.
libraries() {
  local listed
  listed=$(ldd "$1") || fail "ldd does not understand '$1'"
  if [[ $listed == *'not found'* ]]; then fail "a library is missing here: $listed"; fi
  awk '$2 == "=>" && $3 ~ /^\// { print $3 }' <<<"$listed"
}

# By the name that this kind of machine has for it.
loader() {
  local found
  found=$(ldd /bin/sh | awk '/ld-linux/ { print $1 }')
  [[ -e $found ]] || fail "ldd names no loader"
  printf '%s\n' "$found"
}

main() {
  [[ $# -eq 2 ]] || fail "usage: $0 BINARY FOLDER"
  local binary=$1 tree=$2 own=$2/opt/shmconf found
  [[ -s $kAuthorities ]] || fail "there is no $kAuthorities: install ca-certificates"
  mkdir -p -- "$own/bin" "$own/lib" "$tree/etc" "$tree/usr/lib/ssl"
  found=$(libraries "$binary")
  # shellcheck disable=SC2086  # one name a line, and none has spaces
  cp --dereference -- $found "$own/lib/"
  cp --dereference -- "$(loader)" "$own/lib/ld.so"
  strip -o "$own/bin/shmconf" -- "$binary"
  # RPATH, not RUNPATH: it holds for the libraries' libraries, too.
  patchelf --set-interpreter /opt/shmconf/lib/ld.so --force-rpath --set-rpath /opt/shmconf/lib "$own/bin/shmconf"
  # Where Debian's OpenSSL looks by itself.
  cp --dereference -- "$kAuthorities" "$tree/usr/lib/ssl/cert.pem"

  printf 'root:x:0:0::/:/sbin/nologin\nshmconf:x:%d:%d::/var/lib/shmconf:/sbin/nologin\n' "$kId" "$kId" \
    >"$tree/etc/passwd"
  printf 'root:x:0:\nshmconf:x:%d:\n' "$kId" >"$tree/etc/group"
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$tree/etc/nsswitch.conf"
  # What an engine mounts over; a volume that is made anew takes owner and mode from here.
  mkdir -- "$tree/dev" "$tree/proc" "$tree/sys" "$tree/run"
  install --directory --owner="$kId" --group="$kId" --mode=0750 -- "$tree/run/shmconf"
  install --directory --owner="$kId" --group="$kId" --mode=0700 -- "$tree/var/lib/shmconf"
}

main "$@"
