#!/usr/bin/env bash
# Installs the packages into a clean Debian system, does there what a newcomer does, and removes them. The
# system is an overlay above $SHMCONF_DEBIAN_TREE, in namespaces of its own for mounts, processes and
# network: all of it ends with this script, however that ends.
#
#   check_clean_system.sh SOURCE-DIRECTORY PACKAGES-FOLDER
set -euo pipefail
source_directory=$1
packages=$2
# shellcheck source=tests/packages/packages.sh
source "$source_directory/tests/packages/packages.sh"
tree=${SHMCONF_DEBIAN_TREE:?is to name the Debian system that tests/install_debian_tree.sh makes}
[[ -x $tree/usr/bin/dpkg ]] || fail "$tree is no Debian system: bash tests/install_debian_tree.sh build/debian_tree"

elevate=()
[[ $(id -u) == 0 ]] || elevate=(sudo -n)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
copy_packages "$packages" "$work"
cp -- "$source_directory/tests/packages/clean_system.sh" "$work/"

# shellcheck disable=SC2016  # for the inner shell
"${elevate[@]}" unshare --mount --propagation private --pid --net --fork --kill-child bash -euc '
  tree=$1 work=$2
  mount -t tmpfs -o mode=755 tmpfs /mnt
  mkdir /mnt/upper /mnt/workdir /mnt/root
  mount -t overlay -o "lowerdir=$tree,upperdir=/mnt/upper,workdir=/mnt/workdir" overlay /mnt/root
  cd /mnt/root
  mount -t proc proc proc
  mount -t sysfs -o ro sysfs sys
  for place in dev/shm tmp run mnt; do mount -t tmpfs -o mode=1777 tmpfs "$place"; done
  cp "$work"/* mnt/
  ip link set lo up
  exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 bash /mnt/clean_system.sh
' bash "$tree" "$work"
