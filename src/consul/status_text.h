// What an HTTP status of Consul's means for a source: an answer, or an error and what to do about it.
//
// Pure functions.
#ifndef SHMCONF_CONSUL_STATUS_TEXT_H_
#define SHMCONF_CONSUL_STATUS_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

#include "consul/query.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

// Absent when the answer is about the source: 200, or 404 with an index. Else kDenied for 403,
// kInvalid for what the settings have to change (redirect, 400), kUnavailable for the rest.
std::optional<Error> status_error(const Answer& answer, const settings::Source& source);

// At most 200 characters of what a server wrote, on one line, nothing but printable ASCII.
std::string printable_line(std::string_view words);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_STATUS_TEXT_H_
