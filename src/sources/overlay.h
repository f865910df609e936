// Overlay: the sources' keys laid over one another, as one configuration.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_SOURCES_OVERLAY_H_
#define SHMCONF_SOURCES_OVERLAY_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consul/kv.h"
#include "settings/settings.h"
#include "shm/content.h"
#include "shmconf/result.h"

namespace shmconf::sources {

using Pairs = std::span<const consul::KvPair>;

// What a source's key is called in the configuration: a prefix is stripped, a key keeps its whole
// name. Requires key to belong to the source. Empty for the folder that the prefix itself names,
// which is no part of the configuration.
[[nodiscard]] std::string_view stripped(const settings::Source& source, std::string_view key);

// What the configuration's key is called in the source; absent when it cannot come from there.
[[nodiscard]] std::optional<std::string> name_in(const settings::Source& source, std::string_view key);

// Whether the source has the configuration's key in pairs.
[[nodiscard]] bool holds(const settings::Source& source, Pairs pairs, std::string_view key);

// Error kUnavailable when pairs, sorted, hold a key that the source did not ask for.
[[nodiscard]] Result<void> check_belongs(const settings::Source& source, Pairs pairs);

// The keys of all sources in order; of one that several have, the last source's. Sorted bytewise.
// pairs are those of the sources in their order, sorted, each belonging to its source; the items
// are views into them.
[[nodiscard]] shm::Items merge(std::span<const settings::Source> sources, std::span<const Pairs> pairs);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_OVERLAY_H_
