// The log of the sidecar's processes: lines on stderr, through spdlog's default logger. A stderr that
// nobody reads costs lines, never time; a warning or error that repeats costs a line a minute.
//
// Not thread-safe: for the thread that logs, before others do. Nothing here throws.
#ifndef SHMCONF_LOG_LOG_H_
#define SHMCONF_LOG_LOG_H_

#include <string>

#include "settings/settings.h"

namespace shmconf::log {

// Makes the default logger of this process ("watch") of the service of that name.
void start(const std::string& process, const std::string& name, const settings::Log& how);

// New settings. A change of the level is said, whatever the level.
void change(const settings::Log& how);

// stderr is another file than at the start: `auto` looks at it again.
void stderr_changed();

// Whether lines are for people, who would rather read an error that ends the program by itself.
[[nodiscard]] bool is_text();

// Tells how often lines were repeated that have been held back for a minute. Call it now and then.
void tell_repetitions();

// One step of SIGUSR1 and SIGUSR2. A step never silences errors.
[[nodiscard]] settings::Log::Level more_verbose(settings::Log::Level level);
[[nodiscard]] settings::Log::Level less_verbose(settings::Log::Level level);

}  // namespace shmconf::log

#endif  // SHMCONF_LOG_LOG_H_
