#include "http/published.h"

#include <gtest/gtest.h>

namespace shmconf::http {

Published::Published()
    : segment_(shm::Segment::attach(env_, {.root = root_.path(), .root_is_default = false, .name = "web", .group = {}}).value()),
      publisher_(shm::Publisher::attach(env_, segment_, format::Role::kWatch).value()) {}

void Published::publish(const Pairs& pairs, format::Origin origin) {
  shm::Content content;
  for (const auto& [key, value] : pairs) {
    shm::Item item;
    item.key = key;
    item.value = value;
    item.modify_index = 17;
    content.keys.push_back(item);
  }
  content.origin = origin;
  content.indexes = {18'677};
  content.read_wall = env_.wall_now() - std::chrono::milliseconds(5);
  std::uint64_t noted = publisher_.note();
  const auto outcome = publisher_.publish(content, noted, {.allow_empty = true}, {});
  EXPECT_TRUE(outcome && *outcome == shm::Outcome::kPublished);
}

void Published::live(format::Role role) {
  format::RoleState& state = segment_.role(role);
  const auto now = static_cast<std::uint64_t>(env_.boottime_now().count());
  state.alive_ns.store(now);
  state.contact_ns.store(now);
  state.stale_after_ns.store(30'000'000'000);
  state.starts.store(1);
}

OpenOptions Published::where() const {
  OpenOptions where;
  where.directory = root_.path();
  where.allow_backup = false;
  return where;
}

}  // namespace shmconf::http
