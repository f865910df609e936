// Builds the bytes of a snapshot from a Content. Pure functions; thread-safe.
#ifndef SHMCONF_SHM_SNAPSHOT_BUILDER_H_
#define SHMCONF_SHM_SNAPSHOT_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "shm/content.h"
#include "shmconf/result.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::shm {

// Size in bytes of the snapshot of content. Errors: kInvalid for a key or value above the format's
// limits, for more than 2^31 keys, or for keys that are not in order.
Result<std::uint64_t> snapshot_bytes(const Content& content);

// Fills out, which must be zeroed, 8-byte aligned and snapshot_bytes(content) long. The same
// content and seed make the same body. The snapshot has no generation yet: see stamp_generation().
void build_snapshot(const Content& content, std::uint64_t hash_seed, std::span<std::byte> out);

// Gives a built snapshot its generation, publication time, origin and draft id, and makes its
// header's checksum right. Costs one header, not the body.
void stamp_generation(std::span<std::byte> snapshot, std::uint64_t generation, std::chrono::nanoseconds wall,
                      format::Origin origin, std::uint64_t draft_id = 0);

// Whether the snapshot holds exactly this content: the sources, and of every key each field that
// Consul returns. The order of indexes, generation, times and origin do not count.
bool same_content(const SnapshotView& snapshot, const Content& content);

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_SNAPSHOT_BUILDER_H_
