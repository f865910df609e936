// The log of the sidecar's processes: lines on stderr, through spdlog's default logger. A stderr that
// nobody reads costs lines, never time.
//
// Not thread-safe: call before other threads log. Nothing here throws.
#ifndef SHMCONF_SUPERVISOR_LOG_H_
#define SHMCONF_SUPERVISOR_LOG_H_

#include <string>

#include "settings/settings.h"

namespace shmconf::supervisor {

// Makes the default logger: each line with the time, `process` ("shmconf watch"), its pid and the
// line's level.
void start_log(const std::string& process, settings::Log::Level level);

void set_log_level(settings::Log::Level level);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_LOG_H_
