// Request and its parts: path and query of a target, and Go's durations, read as Consul reads them.
//
// Plain values and pure functions; thread-safe.
#ifndef SHMCONF_DEV_REQUEST_H_
#define SHMCONF_DEV_REQUEST_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shmconf::dev {

// What the network hands in.
struct Request {
  std::string method;
  std::string target;  // "/v1/kv/a%20b?recurse", as received
  std::string body;
};

// What it sends back.
struct Reply {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool json = false;   // chunked when it is long
  bool close = false;  // the connection ends with it
};

struct Target {
  std::string path;       // decoded
  std::string raw_query;  // without '?'
  std::vector<std::pair<std::string, std::string>> query;

  // The first value of that name; nullopt when it is not there at all.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return value(name).has_value(); }
};

// Nothing for a broken %-sequence.
std::optional<Target> parse_target(std::string_view target);

// Without "//", "." and ".."; a final '/' stays. A target whose path this changes is redirected.
std::string cleaned_path(std::string_view path);
// Every byte that a path cannot hold as it is, as %XX.
std::string escaped_path(std::string_view path);
// Whether Consul accepts it at all: no control characters.
bool printable(std::string_view path);

// "1h2m3.5s", "250ms", "-1s", "0"; nothing for what Go's time.ParseDuration refuses.
std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_REQUEST_H_
