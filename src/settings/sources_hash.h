// sources_hash: which configuration settings ask for, as a number. Thread-safe.
#ifndef SHMCONF_SETTINGS_SOURCES_HASH_H_
#define SHMCONF_SETTINGS_SOURCES_HASH_H_

#include <cstdint>
#include <span>

#include "settings/settings.h"

namespace shmconf::settings {

// Identifies what a configuration was read from: the sources in order, datacenter, namespace and
// partition. Never 0, which stands for "from anywhere".
[[nodiscard]] std::uint64_t sources_hash(std::span<const Source> sources, const Consul& consul);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_SOURCES_HASH_H_
