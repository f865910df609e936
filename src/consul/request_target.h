// The path and query string of a KV request.
//
// Pure functions.
#ifndef SHMCONF_CONSUL_REQUEST_TARGET_H_
#define SHMCONF_CONSUL_REQUEST_TARGET_H_

#include <chrono>
#include <string>
#include <string_view>

#include "consul/query.h"
#include "settings/settings.h"

namespace shmconf::consul {

// Every byte but RFC 3986's unreserved ones and '/' as %XX.
[[nodiscard]] std::string percent_encode(std::string_view bytes);

// With a unit, without which Consul refuses a duration: "30s", "1500ms".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

// How long Consul is asked to block; requires query.blocking().
[[nodiscard]] std::chrono::milliseconds effective_wait(const Query& query, const settings::Consul& settings);

// Never holds a secret: the token travels in a header, as "?token=" would end in access logs.
[[nodiscard]] std::string request_target(const Query& query, const settings::Consul& settings);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_REQUEST_TARGET_H_
