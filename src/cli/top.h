// `shmconf top`: what `shmconf status` tells, every key with its value, and what changes, in a terminal.
//
// Drawn again at each change and each second, until q or Ctrl-C; where stdout is no terminal, printed
// once. On a terminal it also waits for a configuration that is not there yet.
#ifndef SHMCONF_CLI_TOP_H_
#define SHMCONF_CLI_TOP_H_

#include "cli/command_line.h"

namespace shmconf::cli {

// The command's exit code; complaints are on stderr by then.
int run_top(const TopOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_TOP_H_
