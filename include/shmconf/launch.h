// launch: a reader together with its sidecar, for a service that nobody starts one for.
//
//   auto reader = shmconf::launch("web", {.arguments = {"--prefix", "config/web/"}});
//   if (!reader) return fail(reader.error().text);
//
// The first process that launches a name starts its sidecar; all others use that one. It runs in a
// session of its own, logs to the stderr of the process that started it, and ends, taking the
// segment with it, within a few seconds after the last launched reader was closed, in whichever
// process; a killed process counts as closed. A sidecar that was started by other means (run, exec,
// systemd) is used and never ended.
//
// A launched Reader, every copy of it and every Value of it keeps one file lock held; a Snapshot does
// not. A child made by fork() shares the lock, so the sidecar stays until both have closed or died;
// what is executed does not inherit it.
//
// Thread-safe; each call starts one short-lived child process. A service that handles SIGCHLD sees
// that child end, and may reap it. If the sidecar is killed it is not started again before the next
// launch; readers keep what they have.
#ifndef SHMCONF_LAUNCH_H_
#define SHMCONF_LAUNCH_H_

#include <string>
#include <string_view>
#include <vector>

#include "shmconf/export.h"
#include "shmconf/reader.h"
#include "shmconf/result.h"

namespace shmconf {

struct LaunchOptions {
  std::string directory{};      // the root of all names; empty: as the sidecar's settings say
  std::string backup_file{};    // empty: as the sidecar's settings say
  std::string settings_file{};  // the sidecar's; empty: $SHMCONF_CONFIG, else none
  std::vector<std::string> arguments{};  // further flags of `shmconf run`: {"--prefix", "config/web/"}
  std::string binary{};  // empty: $SHMCONF_BIN, else `shmconf` beside this library or program, else on PATH
};

// Opens the configuration of a name ("" means $SHMCONF_NAME), with a sidecar. Blocks until there is
// a configuration: that which Consul has now, or, when Consul has not answered by startup_timeout
// (a setting; 5 s), what survived in the segment or the backup. Errors:
//   kInvalid  no name; settings that the sidecar refuses, each of which the text names
//   kAbsent   no configuration to be had, or no binary found
//   kDenied, kDamaged  the place is not to be used; as Reader::open()
//   kTimeout  a sidecar that is ending does not come to its end
//   others    as Reader::open()
SHMCONF_EXPORT Result<Reader> launch(std::string_view name, const LaunchOptions& options = {});

}  // namespace shmconf

#endif  // SHMCONF_LAUNCH_H_
