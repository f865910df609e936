// `shmconf heartbeat`: reads everything now and then, publishes what differs, and keeps the backup.
#ifndef SHMCONF_HEARTBEAT_HEARTBEAT_H_
#define SHMCONF_HEARTBEAT_HEARTBEAT_H_

#include "settings/settings.h"
#include "shmconf/result.h"
#include "sources/role_process.h"

namespace shmconf::heartbeat {

// As sources::run_role().
Result<void> run(const settings::Settings& settings, const sources::ProcessOptions& options);

}  // namespace shmconf::heartbeat

#endif  // SHMCONF_HEARTBEAT_HEARTBEAT_H_
