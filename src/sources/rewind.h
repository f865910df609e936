// Rewind: whether Consul seems to have gone back in time since the configuration was published
// (snapshot restored, data wiped and imported again), so that missing keys may still be on their way.
//
// Not thread-safe.
#ifndef SHMCONF_SOURCES_REWIND_H_
#define SHMCONF_SOURCES_REWIND_H_

#include <cstdint>
#include <span>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

struct Rewind {
  std::uint64_t missing = 0;  // published keys that are not in the content
  bool rewound = false;       // Consul's history is not the one that the published keys came from
  [[nodiscard]] bool must_stand_still() const noexcept { return missing != 0 && rewound; }
};

// Requires the content to come from the same sources as the snapshot.
class RewindFinder {
 public:
  // One key, as align() shows them.
  void see(const Entry* before, const shm::Item* now) noexcept;
  // Of all that were seen, with the content's index of each source.
  [[nodiscard]] Rewind rewind(std::span<const std::uint64_t> indexes) const noexcept;

 private:
  std::uint64_t newest_held_ = 0;
  std::uint64_t missing_ = 0;
  bool went_back_ = false;
  bool kept_ = false;
  bool made_again_ = false;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_REWIND_H_
