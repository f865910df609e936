// Alignment: a published snapshot and a new configuration side by side, in key order.
//
// Thread-safe: only reads.
#ifndef SHMCONF_SOURCES_ALIGNMENT_H_
#define SHMCONF_SOURCES_ALIGNMENT_H_

#include <optional>
#include <span>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

// Calls visit(const Entry* before, const shm::Item* now) once for each key of either: null where one does
// not have it, as where there is no snapshot. The entry lives until the next call.
template <class Visit>
void align(const std::optional<SnapshotView>& snapshot, std::span<const shm::Item> keys, Visit&& visit) {
  auto now = keys.begin();
  SnapshotView::Walk walk;
  if (snapshot) walk = snapshot->walk();
  Entry entry;
  while (walk.next(entry)) {
    // Most keys are on both sides, which takes fewer instructions to find than an order.
    while (now != keys.end() && !format::same_bytes(now->key, entry.key) && now->key < entry.key) visit(nullptr, &*now++);
    const bool is_there = now != keys.end() && format::same_bytes(now->key, entry.key);
    visit(&entry, is_there ? &*now++ : nullptr);
  }
  while (now != keys.end()) visit(nullptr, &*now++);
}

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_ALIGNMENT_H_
