#include "sources/rewind.h"

#include <algorithm>

namespace shmconf::sources {

void RewindFinder::see(const Entry* before, const shm::Item* now) noexcept {
  if (before == nullptr) return;
  newest_held_ = std::max(newest_held_, before->modify_index());
  if (now == nullptr) {
    ++missing_;
    return;
  }
  const bool same_incarnation = now->create_index == before->create_index();
  kept_ |= same_incarnation;
  made_again_ |= !same_incarnation;
  // Under overlays a lower source's older value may show; it has another CreateIndex.
  went_back_ |= same_incarnation && now->modify_index < before->modify_index();
}

Rewind RewindFinder::rewind(std::span<const std::uint64_t> indexes) const noexcept {
  std::uint64_t newest_index = 0;
  for (const std::uint64_t index : indexes) newest_index = std::max(newest_index, index);
  // The last: an import into an empty server may overtake the old indexes before it is complete, but
  // then none of the keys that are there is the one that it was.
  const bool rewound = newest_index < newest_held_ || went_back_ || (made_again_ && !kept_);
  return {.missing = missing_, .rewound = rewound};
}

}  // namespace shmconf::sources
