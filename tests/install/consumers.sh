# Sourced by the tests of what is installed: builds services against a prefix and runs them. Expects fail(),
# and the variables source_directory, make_backup (the program) and work (a directory).
# shellcheck shell=bash disable=SC2154

# Runs a consumer and compares what it says.
expect() {
  local said
  said=$("$@" "$work/backup") || fail "$1 ended with $?: $said"
  [[ $said == "db.internal:6379 2" ]] || fail "$1 said '$said'"
  echo "$(basename "$1"): $said"
}

# check_consumers PREFIX LIBRARY-DIRECTORY: by find_package and by pkg-config, in C++ and C, static and shared.
check_consumers() {
  local prefix=$1 libraries=$2 here=$source_directory/tests/install program
  "$make_backup" "$work/backup"

  cmake -S "$here" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "find_package"; }
  cmake --build "$work/consumer" >"$work/log" 2>&1 || { cat "$work/log"; fail "building with find_package"; }
  for program in cpp_with_reader cpp_with_reader_shared c_with_reader c_with_reader_shared; do
    expect "$work/consumer/$program"
  done

  export PKG_CONFIG_PATH=$libraries/pkgconfig LD_LIBRARY_PATH=$libraries
  [[ $(pkg-config --modversion shmconf) == 0.* ]] || fail "pkg-config does not know shmconf"
  # Where the linker looks first, there is only the static one.
  mkdir "$work/static"
  ln -s "$libraries/libshmconf.a" "$work/static/"
  # shellcheck disable=SC2046  # the flags are words
  {
    "${CXX:-c++}" -std=c++20 $(pkg-config --cflags shmconf) "$here/consumer.cc" -o "$work/cpp_by_pkg_config" \
      $(pkg-config --libs shmconf)
    "${CC:-cc}" -std=c99 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags shmconf) "$here/consumer.c" \
      -o "$work/c_by_pkg_config" $(pkg-config --libs shmconf)
    "${CC:-cc}" -std=c99 $(pkg-config --cflags shmconf) "$here/consumer.c" -o "$work/c_by_pkg_config_static" \
      -L"$work/static" $(pkg-config --libs --static shmconf)
  }
  ! readelf -d "$work/c_by_pkg_config_static" | grep -q 'NEEDED.*libshmconf' || fail "the static library was not linked"
  for program in cpp_by_pkg_config c_by_pkg_config c_by_pkg_config_static; do
    expect "$work/$program"
  done
}
