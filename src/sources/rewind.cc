#include "sources/rewind.h"

#include <algorithm>

namespace shmconf::sources {

Rewind find_rewind(const SnapshotView& published, const shm::Content& content) {
  std::uint64_t newest_held = 0;
  std::uint64_t missing = 0;
  bool went_back = false;
  bool kept = false;
  bool made_again = false;
  auto walk = published.walk();
  Entry entry;
  std::size_t at = 0;
  const auto& keys = content.keys;
  while (walk.next(entry)) {
    newest_held = std::max(newest_held, entry.modify_index());
    while (at < keys.size() && keys[at].key < entry.key) ++at;
    if (at == keys.size() || keys[at].key != entry.key) {
      ++missing;
      continue;
    }
    const shm::Item& now = keys[at];
    const bool same_incarnation = now.create_index == entry.create_index();
    kept |= same_incarnation;
    made_again |= !same_incarnation;
    // Under overlays a lower source's older value may show; it has another CreateIndex.
    went_back |= same_incarnation && now.modify_index < entry.modify_index();
  }
  std::uint64_t newest_index = 0;
  for (const std::uint64_t index : content.indexes) newest_index = std::max(newest_index, index);
  // The last: an import into an empty server may overtake the old indexes before it is complete, but
  // then none of the keys that are there is the one that it was.
  const bool rewound = newest_index < newest_held || went_back || (made_again && !kept);
  return {.missing = missing, .rewound = rewound};
}

}  // namespace shmconf::sources
