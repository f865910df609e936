// Settings: everything that an operator can choose, validated, in one struct.
//
// Plain values; copy freely. Defaults stand beside the fields. load_settings() (settings_loader.h)
// fills it from file, environment and flags, in rising precedence, and reports every problem.
// A field also stands in field_table.cc, which gives it its key, its variable and its flag.
#ifndef SHMCONF_SETTINGS_SETTINGS_H_
#define SHMCONF_SETTINGS_SETTINGS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace shmconf::settings {

// One place in Consul KV whose keys become configuration. A prefix ends with '/' and is stripped
// from its keys; a key keeps its whole name. Later sources win over earlier ones.
struct Source {
  enum class Kind : std::uint8_t { kPrefix, kKey };
  Kind kind = Kind::kPrefix;
  std::string path;

  bool operator==(const Source&) const = default;
};

enum class Consistency : std::uint8_t { kDefault, kStale, kConsistent };

struct Tls {
  std::string ca_file;           // PEM bundle; empty: the system's
  std::string ca_path;           // directory of hashed PEM files
  std::string certificate_file;  // PEM client certificate
  std::string key_file;          // PEM key of the client certificate
  std::string server_name;       // empty: the address's host
  bool verify = true;

  bool operator==(const Tls&) const = default;
};

struct Consul {
  std::string address = "http://127.0.0.1:8500";  // http://host:port, https://host:port, unix:///path
  std::string token;       // secret: never logged, never in a child's environment
  std::string token_file;  // read again whenever it changes; wins over token
  std::string http_auth;   // secret: user:password
  std::string datacenter;  // empty: the agent's own
  std::string name_space;  // Enterprise
  std::string partition;   // Enterprise
  Consistency consistency = Consistency::kDefault;
  Tls tls;
  std::chrono::milliseconds wait{30'000};            // of one blocking query
  std::chrono::milliseconds grace{5'000};            // beyond wait + wait/16 before the socket is given up
  std::chrono::milliseconds connect_timeout{5'000};
  std::uint64_t max_body_bytes = std::uint64_t{1} << 30;

  bool operator==(const Consul&) const = default;
};

struct Log {
  enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };
  enum class Format : std::uint8_t { kAuto, kText, kJson, kJournald };
  Level level = Level::kInfo;
  Format format = Format::kAuto;  // auto: journald where stderr is the journal, else text

  bool operator==(const Log&) const = default;
};

struct Settings {
  std::string name;                 // [A-Za-z0-9][A-Za-z0-9._-]{0,63}
  std::string directory;            // root of all names; empty: $SHMCONF_DIR, else /dev/shm/shmconf-<uid>
  std::vector<Source> sources;      // in order; later wins
  std::string backup_file;          // empty: the default place, see places.h
  std::string backup_key_file;      // keys that encrypt the backup (key_file.h); empty: it is not encrypted
  bool allow_empty = false;         // an empty configuration may replace one that is not
  std::string group;                // members may read the segment; empty: the owner alone
  std::chrono::milliseconds heartbeat_interval{15 * 60'000};
  std::chrono::milliseconds startup_timeout{5'000};  // of exec: Consul first, then the backup
  bool require_configuration = false;  // of run: end with 3 when startup_timeout finds none, or try on
  bool hardening = true;  // watch and heartbeat give up rights and system calls; no core dumps
  bool development = false;  // Consul is the endpoint of `shmconf dev`: readers are told, no backup is written
  std::string http;          // where metrics and the page are served (listen_address.h); empty: nowhere
  bool http_values = false;  // values over TCP too, which every local user can reach
  Consul consul;
  Log log;

  bool operator==(const Settings&) const = default;
};

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_SETTINGS_H_
