// What an HTTP status of Consul's means for a source: an answer, or an error and what to do about it.
//
// Pure functions.
#ifndef SHMCONF_CONSUL_STATUS_TEXT_H_
#define SHMCONF_CONSUL_STATUS_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consul/query.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

// What was asked for a source: itself, or a single key below its prefix.
enum class Asked : std::uint8_t { kSource, kKeyBelow };

// Absent when the answer is about the source: 200, or 404 with an index. Else kDenied for 403, which
// names the ACL rule that is needed, kInvalid for what the settings have to change (redirect, 400),
// kUnavailable for the rest.
std::optional<Error> status_error(const Answer& answer, const settings::Source& source,
                                  Asked asked = Asked::kSource);

// At most 200 characters of what a server wrote, on one line, nothing but printable ASCII.
std::string printable_line(std::string_view words);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_STATUS_TEXT_H_
