#!/usr/bin/env bash
# Makes the packages of a tree that is built, and checks that each depends on what it needs, and that all
# of them together hold what `cmake --install` installs.
#
#   build_packages.sh BUILD-TREE PACKAGES-FOLDER
set -euo pipefail
tree=$1
packages=$2
# shellcheck source=tests/packages/packages.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/packages.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export LC_ALL=C

(umask 022 && cpack --config "$tree/CPackConfig.cmake" -B "$work") >"$work/log" 2>&1 || {
  cat "$work/log"
  fail "cpack"
}

field() { dpkg-deb --field "$work/$1"_*.deb "$2"; }
for package in shmconf libshmconf0 libshmconf-dev python3-shmconf node-shmconf; do
  [[ -e $(echo "$work/$package"_*.deb) ]] || fail "no package $package"
  echo "$package: $(field "$package" Depends)"
done
# What dpkg-shlibdeps found, and what it cannot find.
for library in libc6 libssl3 libseccomp2 libcap2 libsimdjson14 libspdlog1.10; do
  [[ $(field shmconf Depends) == *"$library"* ]] || fail "shmconf does not depend on $library"
done
for package in libshmconf0 python3-shmconf node-shmconf; do
  [[ $(field "$package" Depends) == *libstdc++6* ]] || fail "$package does not depend on libstdc++6"
done
[[ $(field libshmconf-dev Depends) == "libshmconf0 (= $(field libshmconf0 Version))" ]] || fail "libshmconf-dev"
[[ $(field python3-shmconf Depends) == *'python3 (>= 3.9)'* ]] || fail "python3-shmconf needs no python3"
[[ $(field node-shmconf Depends) == *'nodejs (>= 18)'* ]] || fail "node-shmconf needs no nodejs"
[[ $(dpkg-deb --info "$work"/libshmconf0_*.deb shlibs) == "libshmconf 0 libshmconf0 (>= "* ]] || fail "libshmconf0 has no shlibs"

mkdir "$work/all"
for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/all"; done
cmake --install "$tree" --prefix "$work/prefix" >"$work/log" || fail "cmake --install"
listed() { (cd "$1" && find . ! -type d ! -name copyright ! -name changelog.gz ! -path './share/lintian/*' | sort); }
difference=$(diff <(listed "$work/prefix") <(listed "$work/all/usr")) || fail "installed (<) is not what is packaged (>):
$difference"
[[ -z $(find "$work/all" -path "$work/all/usr" -prune -o ! -type d -print) ]] || fail "a package has files outside of /usr"

exec 9>"$packages.lock"
flock 9
rm -rf -- "$packages"
mkdir -- "$packages"
mv -- "$work"/*.deb "$packages/"
