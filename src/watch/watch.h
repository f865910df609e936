// `shmconf watch`: follows Consul with one long poll for each source, and publishes what changes.
#ifndef SHMCONF_WATCH_WATCH_H_
#define SHMCONF_WATCH_WATCH_H_

#include "settings/settings.h"
#include "shmconf/result.h"
#include "sources/role_process.h"

namespace shmconf::watch {

// As sources::run_role().
Result<void> run(const settings::Settings& settings, const sources::ProcessOptions& options);

}  // namespace shmconf::watch

#endif  // SHMCONF_WATCH_WATCH_H_
