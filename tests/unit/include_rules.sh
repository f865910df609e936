#!/usr/bin/env bash
# Who may include whom: fails, naming file and line, where a module includes what it must not.
#
#   include_rules.sh SOURCE-FOLDER
set -euo pipefail
cd -- "$1"

# module: the modules and libraries that it may include beside itself, the standard library and POSIX.
# "shmconf" are the public headers; where only the format is allowed, its headers stand by name.
readonly kFormat='shmconf/format shmconf/snapshot_view shmconf/result'
readonly kRules="
format: $kFormat
reader: shmconf format/huge_pages
env: shmconf/result format/huge_pages
hardening: shmconf/result env seccomp sys/capability
shm: $kFormat format/huge_pages env boost
consul: shmconf/result env settings boost openssl simdjson
settings: shmconf/format shmconf/result env nlohmann
backup: $kFormat env settings openssl
place: shmconf/result env settings shm
log: settings nlohmann spdlog
sources: $kFormat env settings log place hardening consul shm backup boost nlohmann spdlog
watch: shmconf/result settings consul sources boost spdlog
heartbeat: $kFormat env settings consul sources boost spdlog
supervisor: $kFormat env settings log place shm spdlog
dev: shmconf/result env boost nlohmann
display: shmconf nlohmann
http: shmconf env settings log display hardening consul/base64 boost nlohmann prometheus spdlog
cli: shmconf display env settings shm backup consul sources CLI nlohmann
manual: shmconf/result settings cli
"

failed=0
complain() {
  printf '%s\n' "$1"
  failed=1
}

allowed() { # MODULE INCLUDED-PATH
  local rule
  for rule in $(sed -n "s/^$1: //p" <<<"$kRules"); do
    [[ $2 == "$rule"/* || $2 == "$rule".* ]] && return 0
  done
  return 1
}

for folder in src/*/; do
  module=$(basename "$folder")
  case $module in python | node) continue ;; esac
  grep -q "^$module: " <<<"$kRules" || complain "src/$module: has no rule here; give it one, and the README its line"
  while IFS=: read -r file line path; do
    [[ $path == "$module"/* ]] || allowed "$module" "$path" || complain "$file:$line: $module must not include $path"
  done < <(grep -rnoE '#include (["][a-zA-Z_]+/[^"]+"|<(boost|nlohmann|spdlog|openssl|CLI|simdjson|seccomp|prometheus|sys/capability)[/.][^>]+>)' "$folder" |
    sed -E 's/#include ["<]([^">]+)[">]/\1/')
done

# The public headers and the reader: the standard library, POSIX and each other.
while IFS=: read -r file line path; do
  complain "$file:$line: the reader must not include $path"
done < <(grep -rnoE '#include <(boost|nlohmann|spdlog|openssl|CLI|simdjson|seccomp|prometheus|sys/capability|xxh)[^>]*>' include src/reader src/format |
  sed -E 's/#include <([^>]+)>/\1/')

((failed == 0)) && echo 'every module includes what it may'
exit "$failed"
