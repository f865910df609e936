#!/usr/bin/env bash
# Boots a Debian system with its own systemd, in systemd-nspawn, with the program, its units, a Consul and a
# service in it, and runs there what inside.sh checks. Passes if that does; else prints its log and the
# journal.
#
#   container.sh SOURCE_FOLDER SHMCONF READER BUILT_CONSUL BUILT_TREE
#
# $SHMCONF_CONSUL and $SHMCONF_DEBIAN_TREE go before the last two. Needs root. The host needs no systemd that
# runs: the container has process, mount, network and control group namespaces of its own, control groups of
# version 2 whatever the host has, and writes to memory above the tree. Nothing of it is left when this ends,
# nor when it is killed.
set -euo pipefail
export LC_ALL=C
self=$(realpath "$0")

fail() {
  printf 'container.sh: %s\n' "$*" >&2
  exit 1
}

main() {
  [[ $# -eq 5 ]] || fail "usage: $0 SOURCE_FOLDER SHMCONF READER BUILT_CONSUL BUILT_TREE"
  local consul tree work code=0 attempt
  consul=$(realpath -m "${SHMCONF_CONSUL:-$4}")
  tree=$(realpath -m "${SHMCONF_DEBIAN_TREE:-$5}")
  [[ -x $consul ]] || fail "no Consul at '$consul': install one with tests/install_consul.sh, or name one in SHMCONF_CONSUL"
  [[ -x $tree/usr/lib/systemd/systemd ]] ||
    fail "no Debian tree at '$tree': make one with tests/install_debian_tree.sh, or name one in SHMCONF_DEBIAN_TREE"
  [[ $(id -u) == 0 ]] || fail "root is needed, to mount and to boot"
  work=$(mktemp -d "${TMPDIR:-/tmp}/shmconf-systemd-XXXXXX")
  setpriv --pdeathsig KILL unshare --mount bash "$self" --stage "$work" "$(realpath "$1")" \
    "$(realpath "$2")" "$(realpath "$3")" "$consul" "$tree" || code=$?
  for attempt in {1..600}; do
    [[ -e $work ]] || exit "$code"
    sleep 0.05
  done
  fail "something of the container is left: '$work' is not gone"
}

# In a mount namespace of its own, which goes with its last process. Control groups do not.
stage() {
  local work=$1 source=$2 program=$3 reader=$4 consul=$5 tree=$6 code=0
  local group=$work/group/shmconf-systemd-$$
  # All that is started from here on holds the other end of this pipe.
  exec 9> >(exec setsid --fork bash "$self" --sweep "$work" "$group" >/dev/null 2>&1)
  cd /
  mount -t tmpfs none "$work"
  mkdir "$work"/{group,log,tree,upper,overlay}
  mount -t cgroup2 none "$work/group"
  mkdir "$group"
  mount -t overlay none -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/overlay" "$work/tree"
  furnish "$work/tree" "$source" "$program" "$reader"
  # Whoever kills this shell kills the container: each dies with the one before it.
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc \
    bash "$self" --boot "$work" "$group" "$consul" >"$work/log/console" 2>&1 </dev/null || code=$?
  cat "$work/log/checks" || true
  if ((code == 0)) && grep --quiet ' all is well$' "$work/log/checks"; then return 0; fi
  printf '\n---- console; code %d ----\n' "$code"
  cat "$work/log/console"
  return 1
}

furnish() {
  local root=$1 source=$2/systemd tests=$2/tests/systemd program=$3 reader=$4
  install -D "$program" "$root/usr/bin/shmconf"
  install -D -m 644 "$source/shmconf@.service" -t "$root/usr/lib/systemd/system"
  install -D -m 644 "$source/shmconf.sysusers" "$root/usr/lib/sysusers.d/shmconf.conf"
  install -D -m 644 "$source/shmconf.tmpfiles" "$root/usr/lib/tmpfiles.d/shmconf.conf"
  install -D -m 644 "$source/service.d/shmconf.conf" -t "$root/etc/systemd/system/web.service.d"
  install -D -m 644 "$tests"/units/*.service -t "$root/etc/systemd/system"
  install -D "$reader" "$root/usr/local/bin/reader"
  install -D "$tests/inside.sh" "$tests/draining.sh" -t "$root/usr/local/bin"
  rm -f "$root/etc/machine-id"
}

boot() {
  local work=$1 group=$2 consul=$3
  echo $$ >"$group/cgroup.procs"
  mount -t tmpfs none /run # where nspawn keeps what it knows of its containers
  exec unshare --cgroup bash -euc 'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"' boot \
    systemd-nspawn --quiet --register=no --keep-unit --settings=no --link-journal=no --resolv-conf=off --timezone=off \
    --private-network --machine=shmconf --directory="$work/tree" --bind="$work/log:/log" \
    --bind-ro="$consul:/usr/local/bin/consul" --console=read-only --boot systemd.unit=checks.service systemd.show_status=0
}

sweep() {
  local work=$1 group=$2 attempt
  cd /
  cat >/dev/null
  for attempt in {1..300}; do
    [[ -d $group ]] || break
    find "$group" -depth -type d -exec rmdir {} + || sleep 0.1
  done
  umount --recursive --lazy "$work" || true
  rmdir "$work"
}

case ${1-} in
  --stage | --boot | --sweep) "${1#--}" "${@:2}" ;;
  *) main "$@" ;;
esac
