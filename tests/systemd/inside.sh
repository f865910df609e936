#!/bin/bash
# What an operator does with shmconf's units, and what the service beside the sidecar notices of it: nothing.
# Runs in the container, as its only job. A failed line ends it; the journal tells the rest.
set -Eeuo pipefail
export LC_ALL=C SYSTEMD_PAGER= SYSTEMD_COLORS=0

# --- how to ask ---

trap 'code=$?; ((code == 0)) || report' EXIT
report() {
  systemctl status --full --no-pager shmconf@web web consul entry || true
  journalctl --boot --no-pager --output=short-monotonic || true
}

fail() {
  printf 'FAILED after %s s: %s\n' "$SECONDS" "$*"
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
section() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

# is WANTED COMMAND...: what the command prints.
is() {
  local wanted=$1 got
  shift
  got=$("$@" 2>&1) || true
  [[ $got == "$wanted" ]] || fail "'$*' says '$got' instead of '$wanted'"
}
# soon WANTED COMMAND...: the same, within 20 s.
soon() {
  local wanted=$1 deadline=$((SECONDS + 20))
  shift
  until [[ $("$@" 2>&1) == "$wanted" ]]; do
    ((SECONDS < deadline)) || is "$wanted" "$@"
    sleep 0.05
  done
}
property() { systemctl show --property="$2" --value "$1"; }
state() { property "$1" ActiveState; }
seen() { cat /run/web/seen; }
put() { CONSUL_HTTP_TOKEN=$kToken consul kv put "$@" >/dev/null || fail "consul kv put $*"; }
as() { runuser --user "$1" -- env SHMCONF_NAME=web SHMCONF_DIR=/run/shmconf/web "${@:2}"; }
ended_with() { local code=0; "$@" >/dev/null 2>&1 || code=$?; echo "$code"; }
backed_up() {
  shmconf dump /var/lib/shmconf/web/web.snapshot --backup-key-file /etc/credstore/shmconf.web.backup_key
}
line() { grep "^$1:" "/proc/$2/status" | tr -d '\t '; }

# The service is the same process, never started again, and reads what is new.
served() {
  put config/web/greeting "$1"
  soon "$1 live" seen
  is "$service" property web InvocationID
  is 0 property web NRestarts
}

readonly kToken=all-rights

# --- what an administrator sets up, and what the packages' scripts do ---

furnish() {
  mkdir -p /etc/sysusers.d
  printf 'u web -\n' >/etc/sysusers.d/web.conf
  printf '127.0.0.1 localhost\n' >/etc/hosts
  systemd-sysusers
  systemd-tmpfiles --create shmconf.conf
  mkdir -p /etc/consul /etc/credstore /etc/systemd/system/shmconf@web.service.d
  cd /etc/consul
  consul tls ca create >/dev/null
  consul tls cert create -server >/dev/null
  cat >agent.json <<-JSON
	{"bind_addr": "127.0.0.1", "ports": {"https": 8501}, "disable_update_check": true,
	 "ca_file": "/etc/consul/consul-agent-ca.pem", "cert_file": "/etc/consul/dc1-server-consul-0.pem",
	 "key_file": "/etc/consul/dc1-server-consul-0-key.pem",
	 "acl": {"enabled": true, "default_policy": "deny", "tokens": {"master": "$kToken"}}}
	JSON
  (umask 077 && echo "$kToken" >/etc/credstore/shmconf.web.token)
  install -m 600 consul-agent-ca.pem /etc/credstore/shmconf.web.ca
  (umask 077 && head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >/etc/credstore/shmconf.web.backup_key)
  settings '{"prefix": "config/web/"}'
}
settings() { # SOURCES [MORE]
  install -m 640 -g shmconf /dev/stdin /etc/shmconf/web.json <<-JSON
	{"sources": [$1], "startup_timeout": "1s", "consul": {"address": "https://localhost:8501"${2-}}}
	JSON
}
instance() { printf '[Service]\n%s\n' "$@" >/etc/systemd/system/shmconf@web.service.d/checks.conf; }
start_consul() {
  systemctl start consul
  soon 0 ended_with env CONSUL_HTTP_TOKEN=$kToken consul kv put config/web/greeting "$1"
}

section 'the units are sound'
furnish
is '' systemd-analyze verify --man=no shmconf@web.service web.service
is 750:root:shmconf stat --format=%a:%U:%G /etc/shmconf

section 'a start without Consul and without backup waits, beyond the start timeout, and the service with it'
instance TimeoutStartSec=1s
systemctl daemon-reload
systemctl start --no-block web
soon activating state shmconf@web
soon 'no configuration yet' eval 'property shmconf@web StatusText | cut -d ";" -f 1'
sleep 3 # for the timeout to go by
is activating state shmconf@web
is 0 property shmconf@web NRestarts
is inactive state web

section 'both go on as soon as there is a Consul'
start_consul one
soon active state web
soon 'one live' seen
is active state shmconf@web
service=$(property web InvocationID)
segment=$(stat --format=%i /run/shmconf/web/web)

section 'its group may read, nobody else'
is 750:shmconf:shmconf stat --format=%a:%U:%G /run/shmconf/web/web
is 640:shmconf:shmconf stat --format=%a:%U:%G /run/shmconf/web/web/control.v1
is 5 ended_with as nobody shmconf get greeting
soon 600:shmconf:shmconf stat --format=%a:%U:%G /var/lib/shmconf/web/web.snapshot
is 700:shmconf:shmconf stat --format=%a:%U:%G /var/lib/shmconf/web

section 'the unit confines the processes, and they confine themselves further'
supervisor=$(property shmconf@web MainPID)
mapfile -td " " children <"/proc/$supervisor/task/$supervisor/children"
is 2 echo "${#children[@]}"
filters=$(line Seccomp_filters "$supervisor")
for child in "${children[@]}"; do
  is "NoNewPrivs:1 CapEff:0000000000000000 CapBnd:0000000000000000" \
    echo "$(line NoNewPrivs "$child")" "$(line CapEff "$child")" "$(line CapBnd "$child")"
  is "Seccomp_filters:$((${filters#*:} + 1))" line Seccomp_filters "$child"
done

section 'the sidecar is restarted'
systemctl restart shmconf@web
served two

section 'it is killed, more often than a start limit allows'
instance RestartSec=100ms
systemctl daemon-reload
for time in 1 2 3 4 5 6; do
  systemctl kill --kill-whom=main --signal=KILL shmconf@web
  soon "$time" property shmconf@web NRestarts
  soon active state shmconf@web
done
served three

section 'all of its processes are killed at once'
systemctl kill --signal=KILL shmconf@web
soon 7 property shmconf@web NRestarts
served four

section 'it is upgraded'
cp /usr/bin/shmconf /usr/bin/shmconf.new
mv /usr/bin/shmconf.new /usr/bin/shmconf
served 'still by the old one'
systemctl restart shmconf@web
is "$(stat --format=%i /usr/bin/shmconf)" stat --dereference --format=%i "/proc/$(property shmconf@web MainPID)/exe"
served five

section 'its settings are read again, with a token in a file that rotates'
put config/more/greeting six
install -m 640 -g shmconf /dev/stdin /etc/shmconf/web.token <<<'no-such-token'
settings '{"prefix": "config/web/"}, {"prefix": "config/more/"}' ', "token_file": "/etc/shmconf/web.token"'
supervisor=$(property shmconf@web MainPID)
systemctl reload shmconf@web
soon 'five stale' seen
install -m 640 -g shmconf /dev/stdin /etc/shmconf/web.token <<<"$kToken"
soon 'six live' seen
is "$supervisor" property shmconf@web MainPID
settings '{"prefix": "config/web/"}'
systemctl reload shmconf@web
served seven

section 'another group gets it'
instance Group=web Environment=SHMCONF_GROUP=web
systemctl daemon-reload
systemctl restart shmconf@web
is 640:shmconf:web stat --format=%a:%U:%G /run/shmconf/web/web/control.v1
is 750:shmconf:web stat --format=%a:%U:%G /run/shmconf/web/web
served 'for web alone'

section 'a supervisor that hangs is found by the watchdog'
instance WatchdogSec=1s TimeoutAbortSec=1s
systemctl daemon-reload
systemctl restart shmconf@web
hung=$(property shmconf@web InvocationID)
systemctl kill --kill-whom=main --signal=STOP shmconf@web
soon 1 property shmconf@web NRestarts
instance
systemctl daemon-reload
soon active state shmconf@web
journalctl --quiet _SYSTEMD_INVOCATION_ID="$hung" + INVOCATION_ID="$hung" | grep -q 'Watchdog timeout' || fail 'no watchdog'
served eight

section 'it stops within five seconds, and readers keep what they have'
began=${EPOCHREALTIME/./}
systemctl stop shmconf@web
((${EPOCHREALTIME/./} - began < 5000000)) || fail "it took until ${EPOCHREALTIME/./} from $began"
is success property shmconf@web Result
soon 'eight dead' seen
is "$service" property web InvocationID
is "$segment" stat --format=%i /run/shmconf/web/web
systemctl start shmconf@web
served nine

section 'service and sidecar start from the backup when Consul and segment are gone'
soon greeting=nine backed_up
systemctl stop consul web
soon inactive state shmconf@web
rm -r /run/shmconf/web/web
systemctl start web
is active state shmconf@web
soon 'nine backup' seen
service=$(property web InvocationID)
start_consul ten
served eleven

section 'a restart of the service restarts its sidecar, and its end ends it'
before=$(property shmconf@web InvocationID)
systemctl restart web
[[ $(property shmconf@web InvocationID) != "$before" ]] || fail 'the sidecar was not restarted'
soon 'eleven live' seen
systemctl stop web
soon inactive state shmconf@web

section 'a service that shmconf exec starts drains with its configuration'
systemctl start entry
soon 'started: eleven live' cat /var/lib/entry/log
systemctl stop entry
is $'started: eleven live\ntold: eleven live\ndrained: eleven live' cat /var/lib/entry/log
is 7 property entry ExecMainStatus

is '' grep -E 'not hardened|Operation not permitted|Read-only file system' <(journalctl --unit=shmconf@web)
section 'all is well'
