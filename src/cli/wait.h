// `shmconf wait`: blocks until the generation moves, or a key exists or has a value.
//
// Also while there is no segment yet. Prints the generation, or with --timestamp the wall clock at
// the moment when the condition was seen.
#ifndef SHMCONF_CLI_WAIT_H_
#define SHMCONF_CLI_WAIT_H_

#include <ctime>
#include <string>

#include "cli/command_line.h"

namespace shmconf::cli {

// The command's exit code; complaints are on stderr by then.
int run_wait(const WaitOptions& options);

// "1700000000.000000042".
std::string timestamp_text(const std::timespec& time);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_WAIT_H_
