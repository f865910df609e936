// Content: one state of the configuration, as it goes into a snapshot.
//
// Plain values; the views in it belong to the caller and must outlive every use of the Content.
#ifndef SHMCONF_SHM_CONTENT_H_
#define SHMCONF_SHM_CONTENT_H_

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "env/large_allocator.h"
#include "shmconf/format.h"

namespace shmconf::shm {

struct Item {
  std::string_view key;
  std::string_view value;
  format::Kind kind = format::Kind::kBytes;
  std::uint64_t flags = 0;
  std::uint64_t create_index = 0;
  std::uint64_t modify_index = 0;
  std::uint64_t lock_index = 0;
  std::string_view session;  // 36 characters, or empty
};

using Items = std::vector<Item, env::LargeAllocator<Item>>;

struct Content {
  Items keys;      // sorted bytewise by key, no key twice
  Items pointers;  // "key#/pointer" leaves of documents, sorted likewise; none that is a key
  format::Origin origin = format::Origin::kConsul;
  std::vector<std::uint64_t> indexes;  // Consul's index of each source
  std::uint64_t sources_hash = 0;
  std::chrono::nanoseconds read_wall{0};  // when the state was read from Consul
};

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_CONTENT_H_
