// How a log line is written: for people, as JSON, or for systemd's journal. Each is one line whatever bytes
// its message holds, so that nobody can make up a line by what they call a key or a file.
//
// A formatter belongs to its sink, which calls it from one thread at a time.
#ifndef SHMCONF_LOG_FORMATTER_H_
#define SHMCONF_LOG_FORMATTER_H_

#include <memory>
#include <string>

#include <spdlog/formatter.h>

#include "settings/settings.h"

namespace shmconf::log {

// Of the service of that name.
//   text:      2026-11-21T18:29:07.123+0000 shmconf watch[17] info: MESSAGE
//   journald:  <6>watch: MESSAGE; the priorities are those of sd-daemon(3), the rest is added by the journal
//   json:      {"time":...,"level":...,"process":...,"pid":...,"name":...,"message":...}, then the Fields
// Valid UTF-8 stays; in JSON, which knows nothing else, other bytes become U+FFFD, and a message is cut that
// would make a line longer than a pipe takes at once. Requires a format other than auto.
[[nodiscard]] std::unique_ptr<spdlog::formatter> make_formatter(settings::Log::Format format, std::string name);

}  // namespace shmconf::log

#endif  // SHMCONF_LOG_FORMATTER_H_
