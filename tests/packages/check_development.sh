#!/usr/bin/env bash
# Services built against libshmconf-dev, as unpacked, and run with libshmconf0.
#
#   check_development.sh SOURCE-DIRECTORY MAKE-BACKUP-PROGRAM PACKAGES-FOLDER
set -euo pipefail
source_directory=$1
make_backup=$2
packages=$3
# shellcheck source=tests/packages/packages.sh
source "$source_directory/tests/packages/packages.sh"
# shellcheck source=tests/install/consumers.sh
source "$source_directory/tests/install/consumers.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

copy_packages "$packages" "$work"
for package in libshmconf0 libshmconf-dev; do
  dpkg-deb --extract "$work/$package"_*.deb "$work/unpacked"
done
check_consumers "$work/unpacked/usr" "$work/unpacked/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)"
