#!/usr/bin/env bash
# shmconf in one command, on this machine, from nothing:
#
#   bash config/quickstart.sh
#
# Installs what is missing, builds build/release, then lets a change travel from Consul KV to a reader
# and takes Consul away. Consul is $SHMCONF_CONSUL or the one on PATH, else shmconf's own development
# endpoint. Everything runs on loopback, on free ports and in temporary directories, and is gone at
# the end. Needs no network once the packages are there.
set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# Only sudo may ask for anything, and only a terminal.
[[ -t 0 ]] || exec </dev/null

# shellcheck source=config/build_tree.sh
source config/build_tree.sh

readonly kShmconf=build/release/shmconf
readonly kName=quickstart
readonly kChanges=21

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1;36m' plain=$'\e[0m'; fi
step_number=0
step() { printf '\n%s%d. %s%s\n' "$bold" $((step_number += 1)) "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }
indented() { sed 's/^/   | /'; }
fail() {
  printf 'quickstart: %s\n' "$*" >&2
  local log
  [[ -n $work ]] || exit 1
  for log in "$work"/*.log; do
    [[ ! -s $log ]] || { printf -- '--- %s\n' "${log##*/}" && tail -n 15 "$log"; } >&2
  done
  exit 1
}

work=''    # logs and the backup file
memory=''  # the shared memory, as --dir
consul_pid=''
sidecar_pid=''
waiter_pid=''

running() { kill -0 "$1" 2>/dev/null; }

# end PID SIGNAL: for children of this shell only. The shell tells of a killed child on standard
# error, hence the braces.
end() {
  local deadline=$((SECONDS + 8))
  {
    kill "-$2" "$1"
    while running "$1" && ((SECONDS < deadline)); do sleep 0.05; done
    ! running "$1" || kill -KILL "$1"
    wait "$1"
  } 2>/dev/null || true
}

clean_up() {
  [[ -z $waiter_pid ]] || end "$waiter_pid" TERM
  [[ -z $sidecar_pid ]] || end "$sidecar_pid" TERM
  [[ -z $consul_pid ]] || end "$consul_pid" KILL
  [[ -z $memory ]] || rm -rf -- "$memory"
  [[ -z $work ]] || rm -rf -- "$work"
}

# until_true SECONDS COMMAND...
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

free_port() {
  local port attempt
  for attempt in {1..100}; do
    # Below the range that the kernel hands out by itself.
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  echo "quickstart: no free port after $attempt attempts" >&2
  return 1
}

# put KEY VALUE: over plain HTTP, as any client would. Leaves in $acknowledged the time, in
# microseconds, at which Consul's answer was here: taken by the shell itself, since starting a
# program to ask for the time would take longer than what is measured.
put() {
  local answer=''
  {
    exec 3<>"/dev/tcp/127.0.0.1/$http_port"
  } 2>/dev/null || return 1
  printf 'PUT /v1/kv/%s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "$kName" "$1" "${#2}" "$2" >&3
  IFS= read -r -t 10 -u 3 answer || true
  acknowledged=${EPOCHREALTIME/./}
  exec 3>&-
  [[ $answer == 'HTTP/1.1 200'* ]]
}

shmconf() {
  local command=$1
  shift
  "$kShmconf" "$command" "$@" --name "$kName" --dir "$memory"
}

value_is() { [[ $(shmconf get "$1" 2>/dev/null) == "$2" ]]; }
verdict_is() { [[ $(shmconf status --json 2>/dev/null) =~ \"verdict\"[[:space:]]*:[[:space:]]*\"$1\" ]]; }
start_real_consul() {
  local ports=() flag help
  help=$("$1" agent -help 2>&1 || true)
  # Interfaces that are not needed are turned off, as far as this version has them.
  for flag in -dns-port -grpc-port -grpc-tls-port; do
    [[ $help != *" $flag="* ]] || ports+=("$flag=-1")
  done
  http_port=$(free_port)
  "$1" agent -dev -bind=127.0.0.1 -client=127.0.0.1 -log-level=warn "-http-port=$http_port" \
    "-server-port=$(free_port)" "-serf-lan-port=$(free_port)" "-serf-wan-port=$(free_port)" \
    "${ports[@]}" >"$work/consul.log" 2>&1 9>&- &
  consul_pid=$!
}

start_development_endpoint() {
  http_port=$(free_port)
  "$kShmconf" dev --endpoint-only --listen "127.0.0.1:$http_port" >"$work/consul.log" 2>&1 9>&- &
  consul_pid=$!
}

consul_answers_or_ended() { put greeting 'hello from Consul' || ! running "$consul_pid"; }

# A port may have been taken between looking and listening: try again with others.
start_consul() {
  local attempt real
  real=${consul_binary:-}
  for attempt in 1 2 3; do
    if [[ -n $real ]]; then start_real_consul "$real"; else start_development_endpoint; fi
    until_true 20 consul_answers_or_ended || break
    if running "$consul_pid"; then return; fi
    consul_pid=''
  done
  fail "Consul did not come up (attempt $attempt)"
}

start_sidecar() {
  "$kShmconf" run --name "$kName" --dir "$memory" --prefix "$kName/" --consul "127.0.0.1:$http_port" \
    --backup "$work/$kName.snapshot" >>"$work/sidecar.log" 2>&1 9>&- &
  sidecar_pid=$!
}

# One change, with a reader asleep on it: appends to $delays the microseconds from Consul's answer
# to the writer until the reader was awake. Below zero: the reader knew first.
measure_change() {
  local woken
  "$kShmconf" wait --name "$kName" --dir "$memory" --key counter --equals "$1" --timeout 10s --timestamp \
    >"$work/woken" 2>"$work/wait.log" &
  waiter_pid=$!
  sleep 0.1
  put counter "$1" || fail "Consul refused a PUT"
  wait "$waiter_pid" || fail "the reader did not see change $1 within 10 s"
  waiter_pid=''
  woken=$(<"$work/woken")
  [[ $woken =~ ^([0-9]+)\.([0-9]{6}) ]] || fail "no time from shmconf wait: '$woken'"
  delays+=($((10#${BASH_REMATCH[1]}${BASH_REMATCH[2]} - acknowledged)))
}

milliseconds() {
  local sign='' microseconds=$1
  if ((microseconds < 0)); then sign=- microseconds=$((-microseconds)); fi
  printf '%s%d.%03d ms' "$sign" $((microseconds / 1000)) $((microseconds % 1000))
}

show_latency() {
  local change sorted
  delays=()
  for ((change = 1; change <= kChanges; ++change)); do measure_change "$change"; done
  mapfile -t sorted < <(printf '%s\n' "${delays[@]}" | sort -n)
  say "$kChanges changes, each with a reader asleep on it. From Consul's answer to the writer until the"
  say "reader was awake with the new value: median ${bold}$(milliseconds "${sorted[kChanges / 2]}")${plain}" \
    "($(milliseconds "${sorted[0]}") to $(milliseconds "${sorted[-1]}"))"
  ((sorted[0] >= 0)) || say '(Below zero: the reader had the value before the writer had its answer.)'
}

build() {
  step 'Packages and build'
  bash config/install_packages.sh build
  exec </dev/null
  if ! { mkdir -p build/release && [[ -w build && -w build/release ]]; } 2>/dev/null; then
    fail "you may not write to $PWD/build: remove it as its owner, or use a clone of your own"
  fi
  lock_tree build/release
  build_tree build/release all -DCMAKE_BUILD_TYPE=Release -DSHMCONF_BUILD_TESTS=OFF ||
    fail 'the build failed; see its messages above'
  exec 9>&-
}

prepare() {
  local variable
  consul_binary=${SHMCONF_CONSUL:-$(type -P consul || true)}
  # What is set for the caller's own Consul must not reach this one.
  for variable in "${!CONSUL_@}" "${!SHMCONF_@}"; do unset "$variable"; done
  work=$(mktemp -d)
  if [[ -d /dev/shm && -w /dev/shm ]]; then
    memory=$(mktemp -d -p /dev/shm --suffix=.shmconf-quickstart)
  else
    memory=$work/memory
    mkdir -m 0700 "$memory"
  fi
}

change_travels() {
  start_consul
  if [[ -n $consul_binary ]]; then
    step "A sidecar on a real Consul ($("$consul_binary" version | head -n 1), 127.0.0.1:$http_port)"
  else
    step "A sidecar on shmconf's development endpoint (127.0.0.1:$http_port; no consul on PATH)"
  fi
  start_sidecar
  until_true 15 value_is greeting 'hello from Consul' || fail 'the sidecar published nothing'
  say "PUT /v1/kv/$kName/greeting, and a reader has it, through shared memory:"
  say "\$ shmconf get greeting"
  shmconf get greeting | indented

  step 'A change reaches a sleeping reader'
  show_latency
}

consul_dies() {
  step 'Consul is killed'
  end "$consul_pid" KILL
  consul_pid=''
  value_is greeting 'hello from Consul' || fail 'the reader lost its configuration with Consul'
  until_true 45 verdict_is stale || fail "shmconf status does not say stale: $(shmconf status 2>&1 || true)"
  value_is counter "$kChanges" || fail 'the reader lost the last change'
  say "The reader goes on with the last configuration, and status says since when it is alone:"
  say "\$ shmconf get greeting"
  shmconf get greeting | indented
  say "\$ shmconf status"
  { shmconf status || true; } | indented
}

# Readers without a sidecar could open the backup by themselves; that the control page is there again
# shows that it is the sidecar who serves it.
restored() {
  [[ -e $memory/$kName/control.v1 ]] && verdict_is backup && value_is greeting 'hello from Consul'
}

backup_serves() {
  step 'The sidecar too is stopped, its memory removed, and it starts again without Consul'
  end "$sidecar_pid" TERM
  sidecar_pid=''
  rm -rf -- "${memory:?}/$kName"
  start_sidecar
  until_true 15 restored ||
    fail "the backup is not served: $(shmconf status 2>&1 || true)"
  value_is counter "$kChanges" || fail 'the backup lacks the last change'
  say 'The backup on disk, served from memory again:'
  say "\$ shmconf get counter"
  shmconf get counter | indented
  say "\$ shmconf status"
  { shmconf status || true; } | indented
}

for_your_own() {
  step 'For your own service'
  cat <<TEXT
   Beside it, on the Consul of CONSUL_HTTP_ADDR or 127.0.0.1:8500, keys below config/web/:
     $kShmconf run --name web --prefix config/web/
     $kShmconf get KEY --name web
   Or around it, started as soon as it has a configuration:
     $kShmconf exec --name web --prefix config/web/ -- ./your-service
   Without a Consul, to try it:
     $kShmconf dev --name web --prefix config/web/
   To install, as root: cmake --install build/release --prefix /usr/local
   All the rest: README.md
TEXT
}

main() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  build
  prepare
  change_travels
  consul_dies
  backup_serves
  for_your_own
}

main
