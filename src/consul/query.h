// Query and Answer: what one request asks of Consul's KV store, and what came back.
//
// Plain values; Answer is move-only, as the list in it is.
#ifndef SHMCONF_CONSUL_QUERY_H_
#define SHMCONF_CONSUL_QUERY_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "consul/kv.h"
#include "settings/settings.h"

namespace shmconf::consul {

struct Query {
  enum class What : std::uint8_t {
    kPairs,      // a prefix recursively, or a key
    kIndexOnly,  // the same index and status for less: the body is not kept
  };

  settings::Source source;
  What what = What::kPairs;
  // Blocks until Consul's index for the source is another, at most wait; 0: answered at once.
  std::uint64_t index = 0;
  // Of a blocking query; zero: the settings' wait. Not sent otherwise.
  std::chrono::milliseconds wait{0};
  settings::Consistency consistency = settings::Consistency::kDefault;

  [[nodiscard]] bool blocking() const noexcept { return index != 0; }
};

struct Answer {
  unsigned status = 0;                  // HTTP's; only 200 and 404 are about the source
  std::optional<std::uint64_t> index;   // absent when the header is missing or not a number; 0 as it came
  bool known_leader = false;            // true only when Consul said so
  bool with_token = true;               // the query was sent with a token
  std::chrono::milliseconds last_contact{0};
  KvList pairs;                         // empty unless status is 200 and pairs were asked for
  std::string error_body;               // other statuses: the body's first printable characters, one line
  std::chrono::steady_clock::time_point header_at;  // when the header was complete
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_QUERY_H_
