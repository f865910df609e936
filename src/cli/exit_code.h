// The exit codes of every command: part of the interface, in --help and in the README.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_CLI_EXIT_CODE_H_
#define SHMCONF_CLI_EXIT_CODE_H_

#include <string_view>

#include "shmconf/result.h"

namespace shmconf::cli {

// Unscoped: main returns it as an int. 126, 127 and CMD's own codes are exec's alone.
enum ExitCode : int {
  kExitDone = 0,
  kExitAbsent = 1,  // a key that is not there, or a wait that timed out
  kExitUsage = 2,   // bad usage or settings
  kExitNoConfiguration = 3,
  kExitDamaged = 4,  // damaged or incompatible
  kExitDenied = 5,
  kExitNotStarted = 125,  // exec failed before CMD
};

// The code for a failed operation. kAbsent is a key's or a named file's absence; whoever looked for
// a configuration and found none returns kExitNoConfiguration instead.
int exit_code_of(ErrorCode code);

// The table as --help shows it, a line each.
std::string_view exit_code_table();

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_EXIT_CODE_H_
