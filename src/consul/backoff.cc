#include "consul/backoff.h"

#include <algorithm>

namespace shmconf::consul {

std::chrono::milliseconds Backoff::fail(bool local) {
  constexpr unsigned kMaxDoublings = 16;
  const auto cap = local ? kLocalCap : kCap;
  const auto ceiling =
      std::min<std::chrono::milliseconds>(cap, kBase * (1 << std::min(failures_, kMaxDoublings)));
  ++failures_;
  // minstd's range is 2^31 - 2, a million times any ceiling: the modulo's bias does not matter.
  return std::chrono::milliseconds(1 + static_cast<std::int64_t>(random_()) % ceiling.count());
}

std::uint64_t process_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace shmconf::consul
