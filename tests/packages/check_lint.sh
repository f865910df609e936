#!/usr/bin/env bash
# Lintian finds no error and no warning in the packages but those overridden there, with the reason.
#
#   check_lint.sh PACKAGES-FOLDER
set -euo pipefail
# shellcheck source=tests/packages/packages.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/packages.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export LC_ALL=C.UTF-8 TMPDIR=$work
copy_packages "$1" "$work"
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$work"/*.deb || fail "lintian: see above"
echo "lintian: no error, no warning"
