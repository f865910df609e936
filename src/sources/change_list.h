// ChangeList: which keys a new configuration changes; for the log. Never a value.
//
// Plain values; not thread-safe.
#ifndef SHMCONF_SOURCES_CHANGE_LIST_H_
#define SHMCONF_SOURCES_CHANGE_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shm/content.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::sources {

struct ChangeList {
  std::size_t most_names = 8;
  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t deleted = 0;
  std::vector<std::string> names;  // the first of them, cut and printable

  // One key, as align() shows them. That two values differ is told from what Consul counts with each
  // write, and from their sizes.
  void see(const Entry* before, const shm::Item* now);

  [[nodiscard]] std::uint64_t total() const noexcept { return added + changed + deleted; }
  // Like "2 changed, 1 deleted: a/b, c, d".
  [[nodiscard]] std::string text() const;

 private:
  void count(std::uint64_t& kind, std::string_view key);
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_CHANGE_LIST_H_
