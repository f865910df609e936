// `shmconf check FILE`: the settings file alone, without variables and flags.
#ifndef SHMCONF_CLI_CHECK_H_
#define SHMCONF_CLI_CHECK_H_

#include "cli/command_line.h"

namespace shmconf::cli {

// Prints "FILE: settings are valid", or every problem on stderr, a line each. Returns the exit code:
// 0 or 2. A file may leave its name and sources to flags.
int run_check(const CheckOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_CHECK_H_
