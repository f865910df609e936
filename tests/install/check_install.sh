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

# Runs a consumer and compares what it says.
expect() {
  local said
  said=$("$@" "$work/backup") || fail "$1 ended with $?: $said"
  [[ $said == "db.internal:6379 2" ]] || fail "$1 said '$said'"
  echo "$(basename "$1"): $said"
}

"$make_backup" "$work/backup"

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

cmake -S "$source_directory/tests/install" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
  { cat "$work/log"; fail "find_package"; }
cmake --build "$work/consumer" >"$work/log" 2>&1 || { cat "$work/log"; fail "building with find_package"; }
for program in cpp_with_reader cpp_with_reader_shared c_with_reader c_with_reader_shared; do
  expect "$work/consumer/$program"
done

export PKG_CONFIG_PATH=$libraries/pkgconfig
[[ $(pkg-config --modversion shmconf) == 0.* ]] || fail "pkg-config does not know shmconf"
here=$source_directory/tests/install
# shellcheck disable=SC2046  # the flags are words
{
  "${CXX:-c++}" -std=c++20 $(pkg-config --cflags shmconf) "$here/consumer.cc" -o "$work/cpp_by_pkg_config" \
    $(pkg-config --libs shmconf)
  "${CC:-cc}" -std=c99 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags shmconf) "$here/consumer.c" \
    -o "$work/c_by_pkg_config" $(pkg-config --libs shmconf)
  rm "$library"*  # so that the linker takes the static one
  "${CC:-cc}" -std=c99 $(pkg-config --cflags shmconf) "$here/consumer.c" -o "$work/c_by_pkg_config_static" \
    $(pkg-config --libs --static shmconf)
}
expect "$work/c_by_pkg_config_static"
cmake --install "$work/build" --prefix "$prefix" >/dev/null
export LD_LIBRARY_PATH=$libraries
expect "$work/cpp_by_pkg_config"
expect "$work/c_by_pkg_config"
