// ChangeList: in words, which keys a new configuration changes; for the log. Never a value.
//
// Not thread-safe.
#ifndef SHMCONF_SOURCES_CHANGE_LIST_H_
#define SHMCONF_SOURCES_CHANGE_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

class ChangeList {
 public:
  // Names at most so many keys.
  explicit ChangeList(std::size_t most = 8) : most_(most) {}

  // One key, as align() shows them. That two values differ is told from what Consul counts with each
  // write, and from their sizes.
  void see(const Entry* before, const shm::Item* now);

  [[nodiscard]] bool empty() const noexcept { return added_ + changed_ + deleted_ == 0; }
  // Like "2 changed, 1 deleted: a/b, c, d", the names cut and printable.
  [[nodiscard]] std::string text() const;

 private:
  void count(std::uint64_t& kind, std::string_view key);

  std::size_t most_;
  std::uint64_t added_ = 0;
  std::uint64_t changed_ = 0;
  std::uint64_t deleted_ = 0;
  std::size_t named_ = 0;
  std::string names_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_CHANGE_LIST_H_
