# Run by check_clean_system.sh inside the clean system, as root, with the packages in /mnt.
# shellcheck shell=bash
set -euo pipefail
export SHMCONF_NAME=web DEBIAN_FRONTEND=noninteractive

fail() {
  echo "FAILED: $*" >&2
  tail -n 20 /tmp/*.log >&2 || true
  exit 1
}
step() { echo "--- $*"; }
dpkg() { command dpkg --force-unsafe-io "$@" >/tmp/dpkg.log 2>&1 || fail "dpkg $*"; }
# until_true COMMAND...
until_true() {
  local deadline=$((SECONDS + 60))
  until "$@"; do
    ((SECONDS < deadline)) || fail "for 60 s not true: $*"
    sleep 0.05
  done
}
put() { curl -fsS -X PUT -d "$2" "http://127.0.0.1:8500/v1/kv/config/web/$1" >/dev/null; }
put_silently() { put "$@" 2>/dev/null; }
verdict_is() { [[ $(shmconf status --json 2>/dev/null) =~ \"verdict\"[[:space:]]*:[[:space:]]*\"$1\" ]]; }
end() { kill "$1" && { wait "$1" || true; } }

# What is there, but what dpkg and the dynamic linker keep of it; on this file system alone.
listed() {
  find / -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /etc/ld.so.cache \) -prune -o \
    -path /etc/shmconf -printf '%p %y\n' -o -type f -printf '%p %y %m %u %s\n' -o -printf '%p %y %m %u %l\n' | sort
}
listed >/tmp/before

step 'the packages are installed'
dpkg --install /mnt/*.deb
[[ -z $(command dpkg --audit) ]] || fail 'packages are not whole'
for file in /usr/bin/shmconf /usr/share/man/man1/shmconf.1.gz /usr/share/man/man5/shmconf.json.5.gz \
  /usr/share/bash-completion/completions/shmconf /usr/share/zsh/vendor-completions/_shmconf \
  /usr/share/fish/vendor_completions.d/shmconf.fish /usr/share/doc/shmconf/examples/shmconf.json \
  /usr/share/doc/shmconf/copyright /usr/share/doc/libshmconf0/changelog.gz /etc/shmconf; do
  [[ -e $file ]] || fail "$file is missing"
done
shmconf check /usr/share/doc/shmconf/examples/shmconf.json >/dev/null || fail 'the example of settings is not valid'
# Nothing is enabled: what was added to /etc is the package's folder, and its user.
strays=$(listed | comm -13 /tmp/before - | grep '^/etc/' | grep -vE '^/etc/(shmconf|(passwd|group|shadow|gshadow)-?|\.pwd\.lock) ' || true)
[[ -z $strays ]] || fail "in /etc there is more than before: $strays"

step 'a change travels from Consul to readers'
shmconf dev --endpoint-only >/tmp/consul.log 2>&1 &
consul=$!
until_true put_silently greeting hello
shmconf run --prefix config/web/ >/tmp/sidecar.log 2>&1 &
sidecar=$!
shmconf wait --key greeting --timeout 60s >/tmp/wait.log 2>&1 || fail 'nothing was published'
[[ $(shmconf get greeting) == hello ]] || fail 'greeting is wrong'
shmconf wait --key redis/port --equals 6380 --timeout 60s >/tmp/wait.log 2>&1 &
waiter=$!
put redis/port 6380
wait "$waiter" || fail 'the change did not arrive'
verdict_is live || fail "the verdict is not live: $(shmconf status)"

step 'Python and Node read it, and launch sidecars of their own'
[[ $(cd / && python3 -c 'import shmconf; print(shmconf.open().redis.port)') == 6380 ]] || fail 'import shmconf'
[[ $(python3 -c 'import ctypes
version = ctypes.CDLL("libshmconf.so.0").shmconf_version
version.restype = ctypes.c_char_p
print(version().decode())') == "$(shmconf version | cut -d' ' -f2)" ]] || fail 'libshmconf.so.0 does not load'
[[ $(python3 -c 'import importlib.metadata; print(importlib.metadata.version("shmconf"))') == "$(shmconf version | cut -d' ' -f2)" ]] ||
  fail 'Python does not know the version'
[[ $(cd / && node -e 'console.log(require("shmconf").open().redis.port)') == 6380 ]] || fail "require('shmconf')"
# ES modules are looked for in node_modules alone, where npm would put such a link.
mkdir -p /tmp/service/node_modules
ln -s /usr/lib/*/nodejs/shmconf /tmp/service/node_modules/
echo "import shmconf from 'shmconf'; console.log(shmconf.open().redis.port);" >/tmp/service/main.mjs
[[ $(node /tmp/service/main.mjs) == 6380 ]] || fail "import shmconf from 'shmconf'"
[[ $(python3 -c 'import shmconf
with shmconf.launch("launched", prefixes="config/web/") as config: print(config.greeting)') == hello ]] || fail 'shmconf.launch'
[[ $(node -e 'require("shmconf").launch("launched-too", { prefixes: "config/web/" }).then((config) => {
  console.log(config.greeting);
  config.close();
})') == hello ]] || fail "shmconf.launch of Node"
[[ $(shmconf exec --name executed --prefix config/web/ -- shmconf get greeting 2>/tmp/exec.log) == hello ]] || fail 'shmconf exec'

step 'the packages are installed once more, and the sidecar goes on'
dpkg --install /mnt/*.deb
kill -0 "$sidecar" || fail 'an upgrade ended the sidecar'
put greeting 'hello again'
shmconf wait --key greeting --equals 'hello again' --timeout 60s >/tmp/wait.log 2>&1 || fail 'the sidecar follows no more'

step 'Consul is gone, then the sidecar, then the memory'
until_true test -s /var/lib/shmconf/web.snapshot
until_true grep -qa 'hello again' /var/lib/shmconf/web.snapshot
end "$consul"
until_true verdict_is stale
[[ $(shmconf get greeting) == 'hello again' ]] || fail 'the configuration went with Consul'
end "$sidecar"
rm -rf /dev/shm/shmconf-0/web
shmconf run --prefix config/web/ >/tmp/sidecar.log 2>&1 &
sidecar=$!
until_true test -e /dev/shm/shmconf-0/web/control.v1
until_true verdict_is backup
[[ $(shmconf get redis/port) == 6380 ]] || fail 'the backup is wrong'
end "$sidecar"

step 'the packages are removed'
names=(shmconf libshmconf0 libshmconf-dev python3-shmconf node-shmconf)
# left_behind PATTERN: what is new since the beginning, but for the pattern.
left_behind() { listed | comm -13 /tmp/before - | grep -vE "$1" || true; }
readonly kUser='^(/etc/(passwd|group|shadow|gshadow)-?|/etc/\.pwd\.lock|/etc) '
dpkg --remove "${names[@]}"
left=$(left_behind "$kUser|^/var/lib/shmconf[ /]|^/var/lib ")
[[ -z $left ]] || fail "removing left behind: $left"
[[ -s /var/lib/shmconf/web.snapshot ]] || fail 'removing took the backup away'
dpkg --purge "${names[@]}"
left=$(left_behind "$kUser|^/var/lib ")
[[ -z $left ]] || fail "purging left behind: $left"
gone=$(listed | comm -23 /tmp/before - | grep -vE "$kUser" || true)
[[ -z $gone ]] || fail "what was there before is gone or changed: $gone"
echo 'installed, used, removed'
