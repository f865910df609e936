# Sourced by the scripts that take a program out of a Debian package without installing it, since to
# install it may need rights, or start a daemon. The caller defines say(), fail() and usable(), which tells whether
# the program at a path runs.
# shellcheck shell=bash

readonly kKeyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The machine's own Debian mirrors, one a line. apt names them even before the first update.
debian_mirrors() {
  local codename
  # shellcheck disable=SC1091
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  # shellcheck disable=SC2016  # apt fills these in, not the shell
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(RELEASE) $(CREATED_BY)' |
    awk -v release="$codename" '$2 == "main" && $3 == release && $4 == "Packages" { print $1 }' | sort -u
}

# An apt of its own: everything it reads or writes lies under $1, except dpkg's status and the
# machine's transport settings (a proxy, for instance). Hooks of the machine are dropped, since
# they may need root. As root apt would change to a user who may not enter the folder: it stays.
write_apt_configuration() {
  local work=$1 mirror=$2 suite=$3
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/tree"
  printf 'deb [signed-by=%s] %s %s main\n' "$kKeyring" "$mirror" "$suite" >"$work/sources.list"
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

unpack_from() {
  local work=$1 mirror=$2 suite=$3 package=$4
  write_apt_configuration "$work" "$mirror" "$suite"
  (
    cd "$work" &&
      apt-get -c "$work/apt.conf" -qq -o APT::Update::Error-Mode=any update &&
      apt-get -c "$work/apt.conf" -qq download "$package" &&
      dpkg -x "$package"_*.deb tree
  ) >&2
}

# unpack_package WORK SUITE PACKAGE: the package's files, in WORK/tree, from whichever mirror of this
# machine has it. WORK is an empty folder for nothing else.
unpack_package() {
  local work=$1 suite=$2 package=$3 mirror
  for mirror in $(debian_mirrors); do
    say "taking $package of Debian $suite from this machine's mirror"
    rm -rf -- "${work:?}"/*
    if unpack_from "$work" "$mirror" "$suite" "$package"; then return 0; fi
  done
  return 1
}

# take_program FOLDER PROGRAM VARIABLE SUITE PACKAGE: prints the program's path. Taken in this order: what
# VARIABLE names; PROGRAM on PATH; FOLDER/PROGRAM from an earlier run; else the package's own, into FOLDER.
take_program() {
  local folder program=$2 variable=$3 suite=$4 package=$5 on_path
  if [[ -n ${!variable:-} ]]; then
    usable "${!variable}" || fail "$variable=${!variable} does not run; correct or unset it"
    realpath -s -- "${!variable}"
    return
  fi
  if on_path=$(type -P "$program") && usable "$on_path"; then
    realpath -s -- "$on_path"
    return
  fi

  mkdir -p -- "$1"
  folder=$(cd -- "$1" && pwd)
  exec 9>"$folder/.lock"
  flock 9
  if ! usable "$folder/$program"; then
    work=$(mktemp -d "$folder/download.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    unpack_package "$work" "$suite" "$package" && usable "$work/tree/usr/bin/$program" ||
      fail "no Debian mirror of this machine supplied package $package of $suite;" \
        "install $program yourself and set $variable to its path"
    mv -f -- "$work/tree/usr/bin/$program" "$folder/$program"
  fi
  printf '%s\n' "$folder/$program"
}
