# Sourced by the tests of the packages.
# shellcheck shell=bash

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# copy_packages FROM TO: another run may be making them anew.
copy_packages() {
  (
    flock -s 9
    cp -- "$1"/*.deb "$2/"
  ) 9>"$1.lock" || fail "no packages in $1: run the test packages_build"
}
