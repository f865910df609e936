#include "settings/field_table.h"

#include <algorithm>
#include <array>

#include "settings/address.h"
#include "settings/listen_address.h"
#include "settings/name.h"

namespace shmconf::settings {
namespace {

using std::chrono::milliseconds;

// In the order of the enumerators.
constexpr std::array<std::string_view, 3> kConsistencies = {"default", "stale", "consistent"};
constexpr std::array<std::string_view, 6> kLevels = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 4> kFormats = {"auto", "text", "json", "journald"};

constexpr milliseconds kShortest{100};
constexpr milliseconds kMinute{60'000};
constexpr milliseconds kHour{3'600'000};

// Most settings are a text of the struct and a rule for it.
#define SHMCONF_AT(type, member) [](Draft& draft) -> type& { return draft.settings.member; }

const std::array kFields = {
    Field{.path = "/name", .variable = "SHMCONF_NAME", .flag = "--name", .value_name = "NAME",
          .about = "name of the service; readers open its configuration by it",
          .slot = TextSlot{SHMCONF_AT(std::string, name), examine_name}, .for_readers = true},
    Field{.path = "/directory", .variable = "SHMCONF_DIR", .flag = "--dir", .value_name = "DIR",
          .about = "root directory of all names; default /dev/shm/shmconf-<uid>",
          .slot = TextSlot{SHMCONF_AT(std::string, directory), examine_path}, .for_readers = true},
    Field{.path = "/sources", .about = "places in Consul KV, in order; later ones win",
          .slot = SourceListSlot{}},
    Field{.variable = "SHMCONF_PREFIXES", .flag = "--prefix", .value_name = "PREFIX/",
          .about = "mirror the keys below this prefix, which is stripped; repeatable, later sources win",
          .slot = SourceSlot{Source::Kind::kPrefix}},
    Field{.variable = "SHMCONF_KEYS", .flag = "--key", .value_name = "KEY",
          .about = "mirror this single key; repeatable, in order with --prefix",
          .slot = SourceSlot{Source::Kind::kKey}},
    Field{.path = "/backup_file", .variable = "SHMCONF_BACKUP", .flag = "--backup", .value_name = "FILE",
          .about = "last good configuration on disk; default <state directory>/<name>.snapshot",
          .slot = TextSlot{SHMCONF_AT(std::string, backup_file), examine_path}, .for_readers = true},
    Field{.path = "/backup_key_file", .variable = "SHMCONF_BACKUP_KEY_FILE", .credential = "shmconf.backup_key",
          .flag = "--backup-key-file", .value_name = "FILE",
          .about = "encrypt the backup with the key in this file, as `openssl rand -hex 32` makes one",
          .slot = TextSlot{SHMCONF_AT(std::string, backup_key_file), examine_path}},
    Field{.path = "/allow_empty", .variable = "SHMCONF_ALLOW_EMPTY", .flag = "--allow-empty",
          .about = "let an empty configuration replace one that is not",
          .slot = SwitchSlot{SHMCONF_AT(bool, allow_empty)}},
    Field{.path = "/group", .variable = "SHMCONF_GROUP", .flag = "--group", .value_name = "GROUP",
          .about = "members of this group may read the segment; default: the owner alone",
          .slot = TextSlot{SHMCONF_AT(std::string, group), examine_word}},
    Field{.path = "/heartbeat_interval", .variable = "SHMCONF_HEARTBEAT_INTERVAL",
          .flag = "--heartbeat-interval", .value_name = "DURATION",
          .about = "time between two full reads of Consul; default 15m",
          .slot = DurationSlot{SHMCONF_AT(milliseconds, heartbeat_interval), kShortest, 24 * kHour}},
    Field{.path = "/startup_timeout", .variable = "SHMCONF_STARTUP_TIMEOUT", .flag = "--startup-timeout",
          .value_name = "DURATION",
          .about = "wait this long for Consul before the backup is taken; default 5s",
          .slot = DurationSlot{SHMCONF_AT(milliseconds, startup_timeout), milliseconds{0}, kHour}},
    Field{.path = "/require_configuration", .variable = "SHMCONF_REQUIRE_CONFIGURATION",
          .flag = "--require-configuration",
          .about = "end with 3 when startup_timeout finds no configuration, instead of trying on",
          .slot = SwitchSlot{SHMCONF_AT(bool, require_configuration)}},
    Field{.path = "/hardening", .variable = "SHMCONF_HARDENING", .flag = "--hardening", .value_name = "BOOL",
          .about = "give up rights and system calls, and make no core dumps; default true",
          .slot = SwitchSlot{SHMCONF_AT(bool, hardening)}},
    Field{.path = "/http", .variable = "SHMCONF_HTTP", .flag = "--http", .value_name = "ADDRESS",
          .about = "serve metrics, health and a page: 127.0.0.1:PORT, [::1]:PORT or unix:PATH; default: nowhere",
          .slot = TextSlot{SHMCONF_AT(std::string, http), examine_listen_address}},
    Field{.path = "/http_values", .variable = "SHMCONF_HTTP_VALUES", .flag = "--http-values",
          .about = "show values over TCP too; over a unix socket they always are, and secrets never",
          .slot = SwitchSlot{SHMCONF_AT(bool, http_values)}},

    Field{.path = "/development",
          .about = "Consul is a development endpoint: readers are told so, and no backup is written",
          .slot = SwitchSlot{SHMCONF_AT(bool, development)}},

    Field{.path = "/consul/address", .variable = "SHMCONF_CONSUL_ADDRESS",
          .consul_variable = "CONSUL_HTTP_ADDR",
          .flag = "--consul", .value_name = "ADDRESS",
          .about = "host:port, http://, https:// or unix:///path; default http://127.0.0.1:8500",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.address), examine_address}},
    Field{.path = "/consul/token", .variable = "SHMCONF_CONSUL_TOKEN", .consul_variable = "CONSUL_HTTP_TOKEN",
          .about = "ACL token; a token file is the safer place",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.token), examine_secret}, .secret = true},
    Field{.path = "/consul/token_file", .variable = "SHMCONF_CONSUL_TOKEN_FILE",
          .consul_variable = "CONSUL_HTTP_TOKEN_FILE", .credential = "shmconf.token", .flag = "--token-file",
          .value_name = "FILE",
          .about = "file that holds the ACL token; read again whenever it changes",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.token_file), examine_path}},
    Field{.path = "/consul/http_auth", .variable = "SHMCONF_CONSUL_HTTP_AUTH",
          .consul_variable = "CONSUL_HTTP_AUTH",
          .about = "user:password for HTTP basic authentication",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.http_auth), examine_secret}, .secret = true},
    Field{.path = "/consul/datacenter", .variable = "SHMCONF_CONSUL_DATACENTER",
          .consul_variable = "CONSUL_DATACENTER", .flag = "--datacenter", .value_name = "NAME",
          .about = "datacenter to read from; default: the agent's own",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.datacenter), examine_word}},
    Field{.path = "/consul/namespace", .variable = "SHMCONF_CONSUL_NAMESPACE",
          .consul_variable = "CONSUL_NAMESPACE",
          .flag = "--namespace", .value_name = "NAME", .about = "namespace (Consul Enterprise)",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.name_space), examine_word}},
    Field{.path = "/consul/partition", .variable = "SHMCONF_CONSUL_PARTITION",
          .consul_variable = "CONSUL_PARTITION",
          .flag = "--partition", .value_name = "NAME", .about = "admin partition (Consul Enterprise)",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.partition), examine_word}},
    Field{.path = "/consul/consistency", .variable = "SHMCONF_CONSUL_CONSISTENCY", .flag = "--consistency",
          .value_name = "MODE", .about = "default, stale or consistent reads",
          .slot = ChoiceSlot{[](const Draft& d) { return std::size_t(d.settings.consul.consistency); },
                             [](Draft& d, std::size_t i) { d.settings.consul.consistency = Consistency(i); },
                             kConsistencies}},

    Field{.consul_variable = "CONSUL_HTTP_SSL",
          .about = "true: speak https even if the address does not say so",
          .slot = SwitchSlot{[](Draft& draft) -> bool& { return draft.https; }}},
    Field{.path = "/consul/tls/ca_file", .variable = "SHMCONF_CONSUL_TLS_CA_FILE",
          .consul_variable = "CONSUL_CACERT", .credential = "shmconf.ca",
          .about = "PEM file of the authorities to trust; default: the system's",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.tls.ca_file), examine_path}},
    Field{.path = "/consul/tls/ca_path", .variable = "SHMCONF_CONSUL_TLS_CA_PATH",
          .consul_variable = "CONSUL_CAPATH", .about = "directory of such PEM files",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.tls.ca_path), examine_path}},
    Field{.path = "/consul/tls/certificate_file", .variable = "SHMCONF_CONSUL_TLS_CERTIFICATE_FILE",
          .consul_variable = "CONSUL_CLIENT_CERT", .credential = "shmconf.certificate",
          .about = "PEM client certificate, where Consul asks for one",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.tls.certificate_file), examine_path}},
    Field{.path = "/consul/tls/key_file", .variable = "SHMCONF_CONSUL_TLS_KEY_FILE",
          .consul_variable = "CONSUL_CLIENT_KEY", .credential = "shmconf.key",
          .about = "PEM key of the client certificate",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.tls.key_file), examine_path}},
    Field{.path = "/consul/tls/server_name", .variable = "SHMCONF_CONSUL_TLS_SERVER_NAME",
          .consul_variable = "CONSUL_TLS_SERVER_NAME",
          .about = "name in Consul's certificate; default: the host",
          .slot = TextSlot{SHMCONF_AT(std::string, consul.tls.server_name), examine_word}},
    Field{.path = "/consul/tls/verify", .variable = "SHMCONF_CONSUL_TLS_VERIFY",
          .consul_variable = "CONSUL_HTTP_SSL_VERIFY",
          .about = "check Consul's certificate; never switch off in use",
          .slot = SwitchSlot{SHMCONF_AT(bool, consul.tls.verify)}},

    Field{.path = "/consul/wait", .variable = "SHMCONF_CONSUL_WAIT",
          .about = "length of one blocking query; Consul adds up to a sixteenth",
          .slot = DurationSlot{SHMCONF_AT(milliseconds, consul.wait), kShortest, 10 * kMinute}},
    Field{.path = "/consul/grace", .variable = "SHMCONF_CONSUL_GRACE",
          .about = "time beyond that before the connection is given up",
          .slot = DurationSlot{SHMCONF_AT(milliseconds, consul.grace), kShortest, 10 * kMinute}},
    Field{.path = "/consul/connect_timeout", .variable = "SHMCONF_CONSUL_CONNECT_TIMEOUT",
          .about = "time to connect, with the TLS handshake",
          .slot =
              DurationSlot{SHMCONF_AT(milliseconds, consul.connect_timeout), milliseconds{10}, 10 * kMinute}},
    Field{.path = "/consul/max_body_bytes", .variable = "SHMCONF_CONSUL_MAX_BODY_BYTES",
          .about = "largest answer that is accepted",
          .slot = SizeSlot{SHMCONF_AT(std::uint64_t, consul.max_body_bytes), 1024, std::uint64_t{1} << 36}},

    Field{.path = "/log/level", .variable = "SHMCONF_LOG_LEVEL", .flag = "--log-level", .value_name = "LEVEL",
          .about = "trace, debug, info, warn, error or off",
          .slot = ChoiceSlot{[](const Draft& d) { return std::size_t(d.settings.log.level); },
                             [](Draft& d, std::size_t i) { d.settings.log.level = Log::Level(i); }, kLevels}},
    Field{.path = "/log/format", .variable = "SHMCONF_LOG_FORMAT", .flag = "--log-format", .value_name = "FORMAT",
          .about = "auto, text, json or journald; auto: journald where stderr is the journal, else text",
          .slot = ChoiceSlot{[](const Draft& d) { return std::size_t(d.settings.log.format); },
                             [](Draft& d, std::size_t i) { d.settings.log.format = Log::Format(i); }, kFormats}},
};

#undef SHMCONF_AT

}  // namespace

std::span<const Field> field_table() { return kFields; }

const Field* field_by_path(std::string_view path) {
  if (path.empty()) return nullptr;
  const auto found =
      std::find_if(kFields.begin(), kFields.end(), [&](const Field& f) { return f.path == path; });
  return found == kFields.end() ? nullptr : &*found;
}

const Field* field_by_flag(std::string_view flag) {
  if (flag.empty()) return nullptr;
  const auto found =
      std::find_if(kFields.begin(), kFields.end(), [&](const Field& f) { return f.flag == flag; });
  return found == kFields.end() ? nullptr : &*found;
}

}  // namespace shmconf::settings
