// `shmconf list [PREFIX]`: one key a line, in the byte order of the keys.
//
// Always escaped as console.h does it, on a terminal or not, so that a line is a key; the very bytes
// are in `shmconf dump --json`. A prefix that no key has is "absent".
#ifndef SHMCONF_CLI_LIST_H_
#define SHMCONF_CLI_LIST_H_

#include "cli/command_line.h"

namespace shmconf::cli {

// The command's exit code; complaints are on stderr by then.
int run_list(const ListOptions& options);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_LIST_H_
