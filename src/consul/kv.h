// KvList: the key-value pairs of one answer from Consul, and the buffer that holds their bytes.
//
// Move-only; immutable once decoded; the views live as long as the list, moves included.
#ifndef SHMCONF_CONSUL_KV_H_
#define SHMCONF_CONSUL_KV_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "consul/body.h"

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

class KvList {
 public:
  KvList() = default;
  // The pairs' views must point into body.
  KvList(Body body, std::vector<KvPair> pairs) noexcept : body_(std::move(body)), pairs_(std::move(pairs)) {}

  // Sorted bytewise by key, each key once.
  [[nodiscard]] std::span<const KvPair> pairs() const noexcept { return pairs_; }

 private:
  Body body_;
  std::vector<KvPair> pairs_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_KV_H_
