// Where the settings put a service's segment.
#ifndef SHMCONF_PLACE_PLACE_H_
#define SHMCONF_PLACE_PLACE_H_

#include "settings/settings.h"
#include "shm/segment.h"
#include "shmconf/result.h"

namespace shmconf::place {

// Error kInvalid: there is no such group. Looks the group up in the system's database; may block.
// Thread-safe.
Result<shm::Place> place_of(const settings::Settings& settings);

}  // namespace shmconf::place

#endif  // SHMCONF_PLACE_PLACE_H_
