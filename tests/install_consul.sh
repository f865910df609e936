#!/usr/bin/env bash
# Makes a real Consul available to the tests and prints the path of its binary (the last line of
# standard output; everything else goes to standard error).
#
#   tests/install_consul.sh FOLDER      for example: tests/install_consul.sh build/consul
#
# Taken in this order: $SHMCONF_CONSUL; `consul` on PATH; FOLDER/consul from an earlier run; else
# Debian 11's own package is downloaded into FOLDER. Needs no rights beyond writing to FOLDER,
# changes nothing in the machine's apt configuration, and needs no network once FOLDER is filled.
# Any number of runs may share one FOLDER.
set -euo pipefail

readonly kSuite=bullseye
readonly kKeyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "install_consul: $*"
  exit 1
}

usable() { [[ -x $1 && ! -d $1 ]] && "$1" version >/dev/null 2>&1; }

# The machine's own Debian mirrors, one a line. apt names them even before the first update.
mirrors() {
  local codename
  # shellcheck disable=SC1091
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016  # apt fills these in, not the shell
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(RELEASE) $(CREATED_BY)' |
    awk -v release="$codename" '$2 == "main" && $3 == release && $4 == "Packages" { print $1 }' | sort -u
}

# An apt of its own: everything it reads or writes lies under $1, except dpkg's status and the
# machine's transport settings (a proxy, for instance). Hooks of the machine are dropped, since
# they may need root. As root apt would change to a user who may not enter FOLDER: it stays.
write_apt_configuration() {
  local work=$1 mirror=$2
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/tree"
  printf 'deb [signed-by=%s] %s %s main\n' "$kKeyring" "$mirror" "$kSuite" >"$work/sources.list"
  cat >"$work/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
}

download() {
  local work=$1 mirror=$2
  write_apt_configuration "$work" "$mirror"
  (
    cd "$work" &&
      apt-get -c "$work/apt.conf" -qq -o APT::Update::Error-Mode=any update &&
      apt-get -c "$work/apt.conf" -qq download consul &&
      dpkg -x consul_*.deb tree
  ) >&2
}

main() {
  [[ $# -eq 1 && -n $1 ]] || fail "usage: $0 FOLDER"

  if [[ -n ${SHMCONF_CONSUL:-} ]]; then
    usable "$SHMCONF_CONSUL" || fail "SHMCONF_CONSUL=$SHMCONF_CONSUL does not run; correct or unset it"
    realpath -s -- "$SHMCONF_CONSUL"
    return
  fi
  local on_path
  if on_path=$(type -P consul) && usable "$on_path"; then
    realpath -s -- "$on_path"
    return
  fi

  mkdir -p -- "$1"
  local folder
  folder=$(cd -- "$1" && pwd)
  exec 9>"$folder/.lock"
  flock 9
  if ! usable "$folder/consul"; then
    local mirror found=
    work=$(mktemp -d "$folder/download.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    for mirror in $(mirrors); do
      say "install_consul: taking Debian 11's consul from this machine's mirror"
      rm -rf -- "${work:?}"/*
      if download "$work" "$mirror" && usable "$work/tree/usr/bin/consul"; then
        found=yes
        break
      fi
    done
    [[ -n $found ]] || fail "no Debian mirror of this machine supplied package consul of $kSuite;" \
      "install Consul yourself and set SHMCONF_CONSUL to its path"
    mv -f -- "$work/tree/usr/bin/consul" "$folder/consul"
  fi
  printf '%s\n' "$folder/consul"
}

main "$@"
