// The environments of the processes that the supervisor starts. Pure functions; thread-safe.
#ifndef SHMCONF_SUPERVISOR_ENVIRONMENT_H_
#define SHMCONF_SUPERVISOR_ENVIRONMENT_H_

#include <string>
#include <vector>

namespace shmconf::supervisor {

using Environment = std::vector<std::string>;  // NAME=value each

// The process's own environment.
Environment own_environment();

// For watch and heartbeat: without the variables of settings, which reach them by a descriptor, and
// without what addresses the supervisor alone (the service manager's notify socket, watchdog and
// sockets).
Environment sidecar_environment(const Environment& environment);

// For the command of exec: without the sidecar's secrets and without the notify socket and watchdog
// (the unit's notifications are exec's, see supervisor.h), with SHMCONF_NAME and SHMCONF_DIR.
Environment command_environment(const Environment& environment, const std::string& name,
                                const std::string& root);

// The value of a variable, or an empty string.
std::string variable(const Environment& environment, const std::string& name);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_ENVIRONMENT_H_
