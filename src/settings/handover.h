// Finished settings on their way from the supervisor to its children: a file without a name (a
// memfd), which the children inherit and the supervisor may write again.
//
// One writer; readers in other processes always get one whole version. Thread-safe like Env. Holds
// the secrets, so the file must never have a name.
#ifndef SHMCONF_SETTINGS_HANDOVER_H_
#define SHMCONF_SETTINGS_HANDOVER_H_

#include "env/env.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::settings {

// Replaces what the file holds. Errors: kInvalid as to_json(); kSystem, kNoSpace.
Result<void> write_handover(env::Env& env, int file, const Settings& settings);

// The settings last written; they were validated before, so files that they name are not looked at
// again. Waits, at most a second, while they are being written. Errors: kInvalid when the file
// holds none; kTimeout; kSystem.
Result<Settings> read_handover(env::Env& env, int file);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_HANDOVER_H_
