// A supervisor in a process of its own, which outlives this one and ends with the users of its name.
//
// Forks: call from a process with one thread.
#ifndef SHMCONF_SUPERVISOR_DETACHED_H_
#define SHMCONF_SUPERVISOR_DETACHED_H_

#include <sys/types.h>

#include <chrono>

#include "shmconf/result.h"
#include "supervisor/supervisor.h"

namespace shmconf::supervisor {

// What it exits with where another supervisor has the name.
inline constexpr int kTakenExitCode = 100;

// Returns its pid at once: a child, to be waited for while this process lives. It claims the name
// after `delay` and logs to log_descriptor. Error: kSystem.
Result<pid_t> start_detached(const Options& options, int log_descriptor, std::chrono::milliseconds delay);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_DETACHED_H_
