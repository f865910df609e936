#!/usr/bin/env bash
# The symbols that the shared library shows against the list in libshmconf0.symbols: a new one is added
# there with the version that brought it; one that is gone or changed breaks the programs that use it, and
# needs a new SONAME.
#
#   check_symbols.sh LIBRARY
set -euo pipefail
library=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export LC_ALL=C

soname=$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')
[[ $soname == libshmconf.so.0 ]] || {
  echo "FAILED: the SONAME is $soname" >&2
  exit 1
}
# dpkg-gensymbols reads the name of the source from debian/control.
mkdir -p "$work/debian"
printf 'Source: shmconf\n\nPackage: libshmconf0\nArchitecture: any\n' >"$work/debian/control"
cd "$work"
# A version behind the list's: symbols that are gone count only where they came with an earlier one.
dpkg-gensymbols -c4 -plibshmconf0 -v"${library##*.so.}-1" -I"$here/libshmconf0.symbols" -e"$library" -O"$work/symbols"
echo "$(grep -c '@SHMCONF_' "$work/symbols") symbols, as listed"
