// Rewind: whether Consul seems to have gone back in time since the configuration was published
// (snapshot restored, data wiped and imported again), so that missing keys may still be on their way.
//
// Pure function; thread-safe.
#ifndef SHMCONF_SOURCES_REWIND_H_
#define SHMCONF_SOURCES_REWIND_H_

#include <cstdint>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

struct Rewind {
  std::uint64_t missing = 0;  // published keys that are not in the content
  bool rewound = false;       // Consul's history is not the one that the published keys came from
  [[nodiscard]] bool must_stand_still() const noexcept { return missing != 0 && rewound; }
};

// Requires content to come from the same sources as the snapshot.
[[nodiscard]] Rewind find_rewind(const SnapshotView& published, const shm::Content& content);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_REWIND_H_
