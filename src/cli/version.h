// `shmconf version`.
#ifndef SHMCONF_CLI_VERSION_H_
#define SHMCONF_CLI_VERSION_H_

#include "cli/command_line.h"

namespace shmconf::cli {

// Prints "shmconf X.Y.Z". Returns the exit code.
int run_version(const VersionOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_VERSION_H_
