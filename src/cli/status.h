// `shmconf status`: what is served, how old it is, and how the processes behind it are.
//
// Exit code 0 whenever a configuration can be read, stale or not: the verdict tells.
#ifndef SHMCONF_CLI_STATUS_H_
#define SHMCONF_CLI_STATUS_H_

#include "cli/command_line.h"

namespace shmconf::cli {

// The command's exit code; complaints are on stderr by then.
int run_status(const StatusOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_STATUS_H_
