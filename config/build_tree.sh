# Sourced by config/quickstart.sh and tests/run.sh: one CMake tree, configured and built, and kept
# from a second run in the same clone.
# shellcheck shell=bash

# The processors, but no more compilers than memory holds: the largest sources take over 1 GB each
# under a sanitizer.
build_jobs() {
  local processors kilobytes jobs
  processors=$(nproc)
  kilobytes=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  jobs=$((${kilobytes:-0} / 1500000))
  ((jobs >= 1)) || jobs=1
  echo $((jobs < processors ? jobs : processors))
}

# A command in front of the build, for example setarch -R.
launch=()

# lock_tree DIR: waits until no other run uses DIR; held until this shell ends. Whatever is started
# from here must close descriptor 9, or a process left behind would hold the lock.
lock_tree() {
  mkdir -p -- "$1" || return
  exec 9>"$1/.lock" || return
  if ! flock -n 9; then
    echo "waiting for another run in $1 to end" >&2
    flock 9
  fi
}

# build_tree DIR TARGET OPTION...: configures DIR for the source tree in the current directory and
# builds TARGET. A tree that was configured elsewhere (a moved or copied clone) is configured afresh.
build_tree() {
  local tree=$1 target=$2 fresh=() cache=$1/CMakeCache.txt source where
  shift 2
  if [[ -e $cache ]]; then
    source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
    where=$(sed -n 's/^CMAKE_CACHEFILE_DIR:INTERNAL=//p' "$cache")
    [[ $source -ef $PWD && $where -ef $tree ]] || fresh=(--fresh)
  fi
  cmake "${fresh[@]}" -S . -B "$tree" -G Ninja "$@" 9>&- &&
    "${launch[@]}" cmake --build "$tree" --parallel "$(build_jobs)" --target "$target" 9>&-
}
