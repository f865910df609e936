// KvList: the key-value pairs of one answer from Consul, and the memory that holds their bytes.
//
// Move-only; immutable once decoded; the views live as long as the list, moves included.
#ifndef SHMCONF_CONSUL_KV_H_
#define SHMCONF_CONSUL_KV_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "consul/buffer.h"
#include "env/large_allocator.h"

namespace shmconf::consul {

// Every field that Consul returns for a key. Keys and values are bytes, not text or paths.
struct KvPair {
  std::string_view key;
  std::string_view value;
  std::uint64_t flags = 0;
  std::uint64_t create_index = 0;
  std::uint64_t modify_index = 0;
  std::uint64_t lock_index = 0;
  std::string_view session;  // empty when the key is not locked
};

using KvPairs = std::vector<KvPair, env::LargeAllocator<KvPair>>;

class KvList {
 public:
  KvList() = default;
  // The pairs' views must point into the texts.
  KvList(std::vector<Buffer> texts, KvPairs pairs) noexcept : texts_(std::move(texts)), pairs_(std::move(pairs)) {}

  // Sorted bytewise by key, each key once.
  [[nodiscard]] std::span<const KvPair> pairs() const noexcept { return pairs_; }

 private:
  std::vector<Buffer> texts_;
  KvPairs pairs_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_KV_H_
