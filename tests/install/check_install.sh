#!/usr/bin/env bash
# Builds the reader alone, without what only the sidecar needs, installs it, and builds and runs
# consumers against the install tree: by find_package and by pkg-config, in C++ and C, static and
# shared.
#   check_install.sh SOURCE_DIRECTORY MAKE_BACKUP_PROGRAM
set -euo pipefail

source_directory=$1
make_backup=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# shellcheck source=tests/install/consumers.sh
source "$source_directory/tests/install/consumers.sh"

without=(-DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON -DCMAKE_DISABLE_FIND_PACKAGE_spdlog=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON -DCMAKE_DISABLE_FIND_PACKAGE_simdjson=ON)
cmake -S "$source_directory" -B "$work/build" -DSHMCONF_BUILD_SIDECAR=OFF -DSHMCONF_BUILD_TESTS=OFF \
  -DCMAKE_INSTALL_PREFIX=/nonexistent "${without[@]}" >"$work/log" 2>&1 || { cat "$work/log"; fail "configure"; }
cmake --build "$work/build" --parallel 2 >"$work/log" 2>&1 || { cat "$work/log"; fail "build"; }
cmake --install "$work/build" --prefix "$prefix" >"$work/log" 2>&1 || { cat "$work/log"; fail "install"; }

library=$(find "$prefix" -name 'libshmconf.so' | head -n 1)
[[ -n $library ]] || fail "no shared library was installed"
libraries=$(dirname "$library")
[[ -f $libraries/libshmconf.a ]] || fail "no static library was installed"
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libstdc\+\+|libgcc_s|libm|libc|ld-linux.*)\.so' || true)
[[ -z $needed ]] || fail "the reader needs $needed"
foreign=$(nm -DC --defined-only "$library" | grep ' T ' | grep -vE ' (shmconf|_init|_fini)' || true)
[[ -z $foreign ]] || fail "the shared library shows more than its own: $foreign"

check_consumers "$prefix" "$libraries"
