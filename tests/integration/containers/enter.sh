#!/usr/bin/env bash
# Runs a command as a container engine would: with a file system of its own, which is read-only, as a user
# without capabilities and without a way to new ones. In namespaces of its own already (container.py).
#
#   enter.sh ROOT [--mount SOURCE:TARGET:ro|rw] [--env NAME=VALUE] [--user UID:GID] [--groups GID,GID] -- COMMAND...
set -euo pipefail

root=$1
user=0:0
groups=
variables=()
shift

# An engine makes what it mounts over.
mount_point() {
  [[ -e $2 ]] && return
  if [[ -d $1 ]]; then mkdir -p -- "$2"; else touch -- "$2"; fi
}

mount --make-rprivate /
mount --bind "$root" "$root"
cd -- "$root"  # into the mount, not what lies below it
mkdir -p dev proc
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t tmpfs -o mode=0755 tmpfs dev
for device in null zero full random urandom; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/shm
mount -t tmpfs -o size=64m,mode=1777,nosuid,nodev,noexec tmpfs dev/shm
mount -o remount,bind,ro dev

while [[ $1 != -- ]]; do
  case $1 in
    --mount)
      IFS=: read -r source target mode <<<"$2"
      mount_point "$source" ".$target"
      mount --bind "$source" ".$target"
      [[ $mode == rw ]] || mount -o remount,bind,ro ".$target"
      ;;
    --env) variables+=("$2") ;;
    --user) user=$2 ;;
    --groups) groups=$2 ;;
    *)
      echo "enter: unknown option $1" >&2
      exit 125
      ;;
  esac
  shift 2
done
shift
mount -o remount,bind,ro .

# What chroot itself needs is gone with the change of user.
exec env -i "${variables[@]}" "$(command -v setpriv)" --no-new-privs --inh-caps=-all \
  --bounding-set=-all,+sys_chroot,+setuid,+setgid "$(command -v chroot)" --userspec="$user" --groups="$groups" . "$@"
