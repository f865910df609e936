// The process that watch and heartbeat both are: its segment and lock, liveness stamps, signals, the
// renewal of a segment that was removed, the restore of the backup. They differ in their Activity.
#ifndef SHMCONF_SOURCES_ROLE_PROCESS_H_
#define SHMCONF_SOURCES_ROLE_PROCESS_H_

#include <chrono>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "settings/complaint.h"
#include "settings/settings.h"
#include "shmconf/format.h"
#include "shmconf/result.h"
#include "sources/activity.h"

namespace shmconf::sources {

struct ProcessOptions {
  // Reads the settings again, on SIGHUP. Null: SIGHUP is ignored.
  std::function<std::variant<settings::Settings, std::vector<settings::Problem>>()> reload;
  // The process must not outlive its parent.
  bool supervised = false;
};

struct RoleKind {
  format::Role role = format::Role::kWatch;
  // From when on a contact with Consul is overdue.
  std::chrono::nanoseconds (*stale_after)(const settings::Settings&) = nullptr;
  std::unique_ptr<Activity> (*make)(const Surroundings&, const settings::Settings&) = nullptr;
};

// Runs until SIGTERM or SIGINT, and ends within a second of it. Takes over the process, and confines it
// (confinement.h): call it from main, once, with one thread. SIGHUP rereads the settings: bad ones, and another name, directory or
// group, are logged and change nothing. SIGUSR1 and SIGUSR2 make the log more and less verbose. Log lines go to spdlog's default logger. Errors: kDenied when
// the place is not permitted, or another process of the role runs there; as Segment::attach().
Result<void> run_role(const RoleKind& kind, const settings::Settings& settings, const ProcessOptions& options);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_ROLE_PROCESS_H_
