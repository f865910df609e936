#!/usr/bin/env bash
# What systemd-analyze says of the units: nothing about their syntax, and an exposure of at most 1.5.
#
#   units.sh SOURCE_FOLDER SHMCONF
set -euo pipefail
export LC_ALL=C
readonly source=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

units=$work/usr/lib/systemd/system
install -D "$program" "$work/usr/bin/shmconf"
install -D /bin/sh -t "$work/bin"
install -D "$program" "$work/usr/local/bin/reader"
install -D -m 644 /usr/lib/systemd/system/*.{target,slice,mount} "$source/systemd/shmconf@.service" \
  "$source/tests/systemd/units/web.service" -t "$units"
install -D -m 644 "$source/systemd/service.d/shmconf.conf" -t "$units/web.service.d"

# Its exit code does not tell of warnings.
said=$(systemd-analyze verify --root="$work" --man=no shmconf@web.service web.service 2>&1) ||
  said+=" (ended with $?)"
if [[ -n $said ]]; then
  printf 'systemd-analyze verify:\n%s\n' "$said" >&2
  exit 1
fi
systemd-analyze security --offline=true --no-pager --threshold=15 "$units/shmconf@.service"
