// `shmconf run`, `shmconf exec` and `shmconf launch`: the supervisor of a name's watch and heartbeat.
//
// Each call takes over its process: signals, children and standard descriptors. Call from main, in
// a process with one thread, with nothing started before. Log lines go to spdlog's default logger.
// Nothing here throws.
#ifndef SHMCONF_SUPERVISOR_SUPERVISOR_H_
#define SHMCONF_SUPERVISOR_SUPERVISOR_H_

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "settings/complaint.h"
#include "settings/settings.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf::supervisor {

// A process of this binary (/proc/self/exe) that is started, and started again when it dies.
struct ChildPlan {
  std::string name;                    // for messages
  std::optional<format::Role> role;    // whose liveness stamps it makes; none: it makes none (serve, which only reads)
  std::vector<std::string> arguments;  // it finds its settings at env::kHandedDescriptor
  bool with_secrets = true;            // among its settings are the token and its like
  std::string listens_at = {};         // for messages; empty: nowhere
};

// watch and heartbeat; and serve, where the settings name an address for it.
std::vector<ChildPlan> sidecar_children(const settings::Settings& settings = {});

struct Options {
  settings::Settings settings;
  // Reads the settings again, on SIGHUP. Null: SIGHUP is ignored. For run only: under exec, SIGHUP
  // is the command's.
  std::function<std::variant<settings::Settings, std::vector<settings::Problem>>()> reload;
  std::vector<ChildPlan> children = sidecar_children();
};

// Supervises until SIGTERM, SIGINT or SIGQUIT; then ends the children, within five seconds, and
// leaves the segment to its readers. SIGHUP reads the settings again; bad ones are reported and
// change nothing, and none may change name, directory, group or http. Errors: kDenied when another
// process supervises this name in this directory, which the text names, or when the place is not
// permitted; kNotReady when settings.require_configuration finds none; as Segment::attach().
//
// Tells the service manager READY=1 at the first comparison with Consul, or at startup_timeout if
// any configuration can be read by then, and else as soon as one can, until when it asks for more time
// (EXTEND_TIMEOUT_USEC=); then WATCHDOG=1, STATUS=, RELOADING=1, STOPPING=1.
Result<void> run(const Options& options);

// As run, then the command, as soon as this run has compared with Consul; at startup_timeout with
// whatever configuration survived in the segment or in the backup; without any, returns 125. Where
// a supervisor is at work already, uses its sidecar and leaves the segment to it. Returns the
// command's exit code, 128 + n when signal n killed it, 126 or 127 when it cannot be executed or
// found, and 125 when this function failed before, which the log explains. The sidecar ends after
// the command, and then the segment goes, unless others use it too (another exec, launched readers):
// then they get another sidecar, and the last of them takes the segment with it. Takes the place of a
// supervisor whose sidecar it used when that one ends.
//
// The command runs in the caller's process group and session, with the caller's signal mask and
// dispositions, descriptors and environment, less the sidecar's secrets, plus SHMCONF_NAME and
// SHMCONF_DIR. Signals sent to this process reach it; see signal_plan.h. When the terminal stops
// it, this process stops too. As pid 1, and else as a subreaper, this process reaps the orphans of
// the command. If this process is killed the command is not: it keeps its last configuration.
//
// The unit's notifications are this process's: READY=1 once the command has been started, and until
// then EXTEND_TIMEOUT_USEC=; the command gets no NOTIFY_SOCKET, since under NotifyAccess=main the
// manager would not listen to it. A service that notifies on its own is better served by a unit beside
// that of `run`. With KillMode=mixed only this process gets the manager's SIGTERM, and hands it on.
int exec(const Options& options, const std::vector<std::string>& command);

// Blocks until there is a sidecar with a configuration, by the rules of exec, and starts one where
// none is: a supervisor in a session of its own that ends, and takes the segment with it, as soon as
// the name has no users (users.h), which it asks every second. It logs to this process's stdout; cwd
// is / and no descriptor above 2 stays open in it. Of several launches at once one starts it. Errors:
// kNotReady without any configuration; kTimeout when a sidecar that is ending does not end; kInvalid
// for a group that does not exist; as Segment::attach().
Result<void> launch(const Options& options);

// Makes the root directory where it is missing. Errors: kDenied, kNoSpace, kSystem; kInvalid for a
// group that does not exist.
Result<void> make_root(const settings::Settings& settings);

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_SUPERVISOR_H_
