// What watch and heartbeat need while they run, and nothing else: see hardening/confine.h.
#ifndef SHMCONF_SOURCES_CONFINEMENT_H_
#define SHMCONF_SOURCES_CONFINEMENT_H_

#include "hardening/confine.h"
#include "settings/settings.h"
#include "shm/segment.h"

namespace shmconf::sources {

// The files, directories and sockets of these settings.
hardening::Needs needs_of(const settings::Settings& settings, const shm::Place& place);

// Confines this process, unless the settings say otherwise, and logs what it keeps or is refused.
void confine(const settings::Settings& settings, const shm::Place& place);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_CONFINEMENT_H_
