#!/usr/bin/env bash
# Installs the Debian packages that shmconf needs and this machine lacks.
#
#   config/install_packages.sh SET...      sets: build, test, bench, image
#
# Asks apt only when something is missing, so a machine that has everything needs neither network
# nor rights. Never removes a package. Any number of runs may overlap.
set -euo pipefail
export LC_ALL=C

# NAME, or NAME:COMMAND where the command, wherever it came from, serves as well as the package.
readonly kBuild=(g++:g++ cmake:cmake ninja-build:ninja pkg-config:pkg-config boost nlohmann-json3-dev
  libspdlog-dev libcli11-dev libssl-dev libsimdjson-dev libseccomp-dev libcap-dev prometheus-cpp-dev)
# What shmconf is measured beside. Not redis-server, which would start a daemon on port 6379: that
# package adds to the program of redis-tools only its name and the service. What needs it calls the
# program by that name.
readonly kPeers=(libbenchmark-dev libabsl-dev liblmdb-dev libhiredis-dev redis-tools:redis-server)
readonly kTest=(libgtest-dev "${kPeers[@]}" valgrind:valgrind iproute2:ip clang-14:clang++-14 libclang-rt-14-dev clang-tidy-14
  python3-dev python3-setuptools python3-wheel python3-pip python3-pytest mypy python3-consul python3-jsonschema
  nodejs:node npm:npm node-typescript:tsc node-headers
  python3-flask python3-redis python3-tornado gunicorn debootstrap:debootstrap systemd-container:systemd-nspawn
  chromium:chromium chromium-driver:chromedriver buildah:buildah python3-yaml ca-certificates patchelf:patchelf
  dpkg-dev:dpkg-shlibdeps file:file lintian:lintian mandoc:mandoc man-db:man bash-completion zsh:zsh fish:fish)
# What docker/Dockerfile takes from its build stage beside the libraries.
readonly kImage=(ca-certificates patchelf:patchelf)
readonly kBench=(libgtest-dev "${kPeers[@]}" gnuplot-nox:gnuplot curl:curl)
readonly kBoostAtLeast=1.81

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "install_packages: $*"
  exit 1
}

# Asked with a space before it, since dpkg also answers "not-installed" for packages that it only knows of.
installed() { [[ $(dpkg-query -W -f ' ${db:Status-Status} ' "$1" 2>/dev/null) == *' installed '* ]]; }

boost_new_enough() { dpkg --compare-versions "$1" ge "$kBoostAtLeast"; }

boost_installed() {
  local name state version
  while read -r name state; do
    [[ $name =~ ^libboost([0-9]+\.[0-9]+)-dev$ && $state == installed ]] || continue
    version=${BASH_REMATCH[1]}
    if boost_new_enough "$version"; then return 0; fi
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'libboost*-dev' 2>/dev/null)
  return 1
}

# The oldest Boost on offer that is new enough: Debian 12 has 1.81 beside an older default, later
# releases have newer ones only.
boost_on_offer() {
  local name version best=
  while read -r name; do
    [[ $name =~ ^libboost([0-9]+\.[0-9]+)-dev$ ]] || continue
    version=${BASH_REMATCH[1]}
    boost_new_enough "$version" || continue
    if [[ -z $best ]] || dpkg --compare-versions "$version" lt "$best"; then best=$version; fi
  done < <(apt-cache pkgnames libboost)
  printf 'libboost%s-dev\n' "${best:-$kBoostAtLeast}"
}

# Node brings its headers along, except Debian's.
node_headers_installed() {
  local node=/usr/bin/node
  [[ -x $node ]] || node=$(type -P node nodejs | head -n 1)
  [[ -n $node ]] && "$node" "$(dirname -- "${BASH_SOURCE[0]}")/../src/node/headers.js" >/dev/null 2>&1
}

# One a line; Boost keeps its plain name until apt's lists are fresh enough to choose a version.
missing() {
  local entry
  for entry in "$@"; do
    if [[ $entry == boost ]]; then
      boost_installed || echo boost
    elif [[ $entry == node-headers ]]; then
      node_headers_installed || echo libnode-dev
    elif [[ $entry == *:* ]] && type -P "${entry#*:}" >/dev/null; then
      continue
    else
      installed "${entry%%:*}" || echo "${entry%%:*}"
    fi
  done
}

apt_names() {
  local name
  for name in "$@"; do
    if [[ $name == boost ]]; then boost_on_offer; else echo "$name"; fi
  done
}

# A background update of the machine may hold apt's lock on the lists, which, unlike dpkg's, apt
# does not wait for.
update_lists() {
  local attempt
  for attempt in 1 2 3 4 5 6; do
    if "$@" apt-get -qq -o Acquire::Retries=3 update >&2; then return 0; fi
    say "install_packages: apt-get update failed (attempt $attempt of 6)"
    [[ $attempt == 6 ]] || sleep 10
  done
  return 1
}

main() {
  local entries=() set
  for set in "$@"; do
    case $set in
      build) entries+=("${kBuild[@]}") ;;
      test) entries+=("${kTest[@]}") ;;
      bench) entries+=("${kBench[@]}") ;;
      image) entries+=("${kImage[@]}") ;;
      *) fail "unknown set '$set'; usage: $0 build|test|bench|image..." ;;
    esac
  done
  [[ $# -gt 0 ]] || fail "usage: $0 build|test|bench|image..."

  if ! type -P dpkg-query apt-get >/dev/null; then
    say "install_packages: not a Debian system; these, or what your system calls them, must be there:" \
      "${entries[*]%%:*} (boost $kBoostAtLeast or newer)"
    return 0
  fi
  local wanted=()
  mapfile -t wanted < <(missing "${entries[@]}")
  [[ ${#wanted[@]} -gt 0 ]] || return 0

  local elevate=()
  if [[ $(id -u) != 0 ]]; then
    type -P sudo >/dev/null || fail "missing: ${wanted[*]/#boost/libboost$kBoostAtLeast-dev};" \
      "not root and no sudo here: have root install them, then run this again"
    elevate=(sudo)
    # Without a terminal sudo could only fail over the password, or wait for it for ever.
    [[ -t 0 ]] || elevate=(sudo -n)
    "${elevate[@]}" true || fail "missing: ${wanted[*]/#boost/libboost$kBoostAtLeast-dev};" \
      "sudo was refused: have root install them, then run this again"
  fi

  # A run beside this one may be installing the same: wait for it, then see what is left.
  exec 8</var/lib/dpkg
  flock 8
  mapfile -t wanted < <(missing "${entries[@]}")
  [[ ${#wanted[@]} -gt 0 ]] || return 0
  update_lists "${elevate[@]}" 8<&- || fail "apt-get update does not work here; see its messages above"
  mapfile -t wanted < <(apt_names "${wanted[@]}")
  say "install_packages: installing ${wanted[*]}"
  "${elevate[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends --no-remove \
    -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 install "${wanted[@]}" >&2 8<&- ||
    fail "could not install ${wanted[*]}; if apt refused to remove a package (an older" \
      "libboost*-dev stands in the way of $kBoostAtLeast), remove that yourself; else see its messages above"
  mapfile -t wanted < <(missing "${entries[@]}")
  [[ ${#wanted[@]} -eq 0 ]] || fail "still missing after the installation: ${wanted[*]}"
}

main "$@"
