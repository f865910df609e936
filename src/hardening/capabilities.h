// The capabilities of a process that was started by root, or with some of its own. For confine().
#ifndef SHMCONF_HARDENING_CAPABILITIES_H_
#define SHMCONF_HARDENING_CAPABILITIES_H_

#include <vector>

#include "hardening/confine.h"

namespace shmconf::hardening {

// Empties all five sets, except for what the needs take: a path that the process's user cannot reach
// by itself keeps CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE. The group is joined instead of keeping
// CAP_CHOWN, where that is allowed. The bounding set needs CAP_SETPCAP; without, it stays.
std::vector<Note> give_up_capabilities(const Needs& needs);

}  // namespace shmconf::hardening

#endif  // SHMCONF_HARDENING_CAPABILITIES_H_
