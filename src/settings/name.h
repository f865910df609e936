// Which texts may name a service, a place in Consul KV, or anything else that ends up in a path,
// a header or a query.
//
// Pure functions; thread-safe. Each answers what is wrong, or nothing.
#ifndef SHMCONF_SETTINGS_NAME_H_
#define SHMCONF_SETTINGS_NAME_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "settings/complaint.h"
#include "shmconf/result.h"

namespace shmconf::settings {

inline constexpr std::size_t kLongestName = 64;

// A service's name becomes a directory and part of file names: a letter or digit, then letters,
// digits, '.', '_' and '-', 64 at most.
std::optional<Complaint> examine_name(std::string_view name);

// The same, for callers that report a single error: kInvalid.
Result<void> check_name(std::string_view name);

// A prefix of Consul KV. It ends with '/', since Consul would match "applause" for "app".
std::optional<Complaint> examine_prefix(std::string_view prefix);

// A single key of Consul KV.
std::optional<Complaint> examine_key(std::string_view key);

// A word that travels in a query or a log: printable, without spaces.
std::optional<Complaint> examine_word(std::string_view word);

// A path of a file or directory.
std::optional<Complaint> examine_path(std::string_view path);

// A token or a password, which travels in a header. The complaint does not repeat it.
std::optional<Complaint> examine_secret(std::string_view secret);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_NAME_H_
