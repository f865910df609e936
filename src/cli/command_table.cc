#include "cli/command_table.h"

#include <array>

#include "settings/field_table.h"

namespace shmconf::cli {
namespace {

// Of launch, when the library starts it.
constexpr std::array kLaunch = {
    Argument{"--report", "DIR", "end stderr with the exit code and the root; start nothing in another", false, true},
};
// Of watch, heartbeat and serve, when a supervisor starts them.
constexpr std::array kProcess = {
    Argument{"--supervised", "", "die with the parent", false, true},
    Argument{"--settings-fd", "N", "read the settings from this descriptor", false, true},
};
constexpr std::array kGet = {
    Argument{"KEY", "KEY", "the key; KEY#/json/pointer for a part of a JSON document", true},
    Argument{"--raw", "", "the value's bytes alone, without a newline"},
    Argument{"--default", "VALUE", "print this, and succeed, when the key is absent"},
    Argument{"--detailed", "", "all that Consul says of the key, as `consul kv get -detailed` prints it"},
};
constexpr std::array kList = {
    Argument{"PREFIX", "PREFIX", "only keys that begin with this"},
    Argument{"--expanded", "", "also the parts of JSON documents, as KEY#/json/pointer"},
};
constexpr Argument kBackupKeyFile{"--backup-key-file", "FILE",
                                  "key of the encrypted backup file", false, false, "SHMCONF_BACKUP_KEY_FILE"};
constexpr Argument kSecret{"--secret", "WORD",
                           "a further word of names that say secret, beside password, passwd, passphrase, secret, token, "
                           "credential, key; repeatable"};
constexpr std::array kDump = {
    Argument{"FILE", "FILE", "a backup file; without it, the running service's configuration"},
    Argument{"--json", "", "as `consul kv export` prints it, which `shmconf pack` reads"},
    Argument{"--show-secrets", "", "print also what the name of a key, or of a field, says is a secret"},
    kSecret,
    kBackupKeyFile,
};
constexpr std::array kStatus = {
    Argument{"--json", "", "the same fields as JSON"},
};
constexpr std::array kTop = {kSecret};
constexpr std::array kWait = {
    Argument{"--after", "GENERATION", "until the generation is another one; default: the one at the start"},
    Argument{"--key", "KEY", "until this key exists"},
    Argument{"--equals", "VALUE", "until the key has this value"},
    Argument{"--timeout", "DURATION", "end with 1 after this time; default: never"},
    Argument{"--timestamp", "", "print the wall clock's seconds at the moment it was seen"},
};
constexpr std::array kPack = {
    Argument{"IN", "IN", "JSON file, {\"key\": \"text\"} or what `consul kv export` prints; - for stdin",
             true},
    Argument{"--output", "FILE", "the backup file to make", true},
    Argument{"--prefix", "PREFIX/", "take the keys below this prefix, which is stripped; repeatable"},
    Argument{"--key", "KEY", "take this key; repeatable, in order with --prefix; default: every key"},
    kBackupKeyFile,
};
constexpr std::array kCheck = {
    Argument{"FILE", "FILE", "settings file", true},
};
constexpr std::array kDev = {
    Argument{"--seed", "FILE.json",
             "keys to begin with: {\"key\": \"text\"} or what `consul kv export` prints"},
    Argument{"--listen", "HOST:PORT", "loopback address of the endpoint; default 127.0.0.1:8500"},
    Argument{"--endpoint-only", "", "the endpoint without a sidecar"},
};

constexpr std::array kCommands = {
    CommandText{"run", "Keep a service's configuration in shared memory: supervises watch and heartbeat. SIGHUP reads "
                "the settings again; SIGUSR1 makes the log of all three more verbose, SIGUSR2 less.",
                SettingFlags::kSidecar, {},
                "  shmconf run --name web --prefix config/web/\n"
                "  shmconf run --name web --prefix config/common/ --prefix config/web/ --key demo-config\n"
                "  shmconf run --name web --prefix config/web/ --http 127.0.0.1:8501\n"
                "  shmconf run --config shmconf.json\n"},
    CommandText{"exec", "The same, and CMD as soon as there is a configuration; ends when CMD ends. Signals are CMD's.",
                SettingFlags::kSidecar, {},
                "  shmconf exec --name web --prefix config/web/ -- ./server --port 80\n"
                "  shmconf exec --config shmconf.json --startup-timeout 2s -- ./server\n"},
    CommandText{"launch",
                "Wait for a configuration, and leave a sidecar behind that ends with the last user of the name. "
                "The library's launch functions call this; they, and exec, are users. The sidecar logs to stdout.",
                SettingFlags::kSidecar, kLaunch,
                "  shmconf launch --name web --prefix config/web/\n"
                "  shmconf launch --config shmconf.json --startup-timeout 2s\n"},
    CommandText{"watch", "The process that follows Consul's changes; run starts it. SIGUSR1 and SIGUSR2 as in run.", SettingFlags::kSidecar,
                kProcess,
                "  shmconf watch --name web --prefix config/web/\n"},
    CommandText{"heartbeat",
                "The process that rereads everything now and then and keeps the backup; run starts it. SIGUSR1 and "
                "SIGUSR2 as in run.",
                SettingFlags::kSidecar, kProcess, "  shmconf heartbeat --name web --prefix config/web/\n"},
    CommandText{"serve",
                "Serve metrics, health and a page for people over HTTP; only reads. run --http starts it too.",
                SettingFlags::kSidecar, kProcess,
                "  shmconf serve --name web --http 127.0.0.1:8501\n"
                "  shmconf serve --name web --http unix:/run/shmconf/web.http\n"},
    CommandText{"get", "Print the value of a key.", SettingFlags::kReader, kGet,
                "  shmconf get --name web redis/port\n"
                "  shmconf get --name web 'demo-config#/redis_config/redis_port' --default 6379\n"
                "  SHMCONF_NAME=web shmconf get redis/port --detailed\n"},
    CommandText{"list", "Print the keys, one a line, in order.", SettingFlags::kReader, kList,
                "  shmconf list --name web\n"
                "  shmconf list --name web redis/ --expanded\n"},
    CommandText{"dump", "Print the whole configuration, of the running service or of a backup file.",
                SettingFlags::kReader, kDump,
                "  shmconf dump --name web\n"
                "  shmconf dump --json --show-secrets /var/lib/shmconf/web.snapshot\n"},
    CommandText{"status", "Print what is served, how old it is, and how the sidecar's processes are.",
                SettingFlags::kReader, kStatus,
                "  shmconf status --name web\n"
                "  shmconf status --name web --json\n"},
    CommandText{"top", "Show status, keys and changes in the terminal, as they happen; secrets by name are masked.",
                SettingFlags::kReader, kTop,
                "  shmconf top --name web\n"
                "  shmconf top --name web --secret dsn\n"},
    CommandText{"wait", "Wait until the generation moves, or a key exists or has a value.",
                SettingFlags::kReader,
                kWait,
                "  shmconf wait --name web --timeout 30s\n"
                "  shmconf wait --name web --key feature/x --equals on --timeout 1m\n"},
    CommandText{"pack", "Make a backup file from JSON: a configuration without Consul.", SettingFlags::kNone,
                kPack,
                "  shmconf pack keys.json --output /var/lib/shmconf/web.snapshot\n"
                "  consul kv export web/ | shmconf pack - --prefix web/ --output web.snapshot\n"},
    CommandText{"check", "Check a settings file: every problem at once, with its place and a hint.",
                SettingFlags::kNone, kCheck, "  shmconf check shmconf.json\n"},
    CommandText{"dev", "For development only: a Consul KV endpoint in memory, and a sidecar on it.",
                SettingFlags::kSidecar, kDev,
                "  shmconf dev --name web --prefix config/web/ --seed keys.json\n"
                "  shmconf dev --endpoint-only --listen 127.0.0.1:8500\n"},
    CommandText{"version", "Print the version.", SettingFlags::kNone, {}, "  shmconf version\n"},
};

}  // namespace

std::span<const CommandText> command_table() { return kCommands; }

std::vector<Argument> arguments_of(const CommandText& command) {
  std::vector<Argument> arguments(command.arguments.begin(), command.arguments.end());
  if (command.flags == SettingFlags::kNone) return arguments;
  for (const settings::Field& field : settings::field_table()) {
    if (field.flag.empty() || (command.flags == SettingFlags::kReader && !field.for_readers)) continue;
    arguments.push_back({field.flag, field.value_name, field.about, false, false, field.variable});
  }
  arguments.push_back({"--config", "FILE", "settings file; see `shmconf check`", false, false, "SHMCONF_CONFIG"});
  return arguments;
}

}  // namespace shmconf::cli
