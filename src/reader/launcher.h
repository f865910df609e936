// The launcher: `shmconf launch`, run as a child process until it has ended.
//
// Thread-safe. Works under any SIGCHLD handler of the caller, also one that reaps every child.
#ifndef SHMCONF_READER_LAUNCHER_H_
#define SHMCONF_READER_LAUNCHER_H_

#include <string>
#include <string_view>

#include "shmconf/launch.h"
#include "shmconf/result.h"

namespace shmconf::reader {

// Blocks until there is a sidecar with a configuration in `root`, of whose users the caller is one.
// Returns the root directory that the settings name: if it is another, nothing was started, but it is
// there now. Errors: see shmconf::launch().
Result<std::string> run_launcher(const std::string& name, const std::string& root, const LaunchOptions& options);

// What the launcher wrote, in one line for people: without the program's name in front of each line,
// and without its last line, the report.
std::string words_of(std::string_view written);

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_LAUNCHER_H_
