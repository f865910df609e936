#include "integration/whole_states.h"

#include <optional>

#include "harness/eventually.h"

namespace shmconf::integration {

std::vector<std::pair<std::string, std::string>> whole_state(const std::string& name, int keys) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 0; i < keys; ++i) pairs.emplace_back("config/web/key-" + std::to_string(i), name);
  return pairs;
}

std::string state_of(const Snapshot& snapshot) {
  std::optional<std::string> name;
  Entries entries = snapshot.prefix("");
  for (const Entry& entry : entries) {
    if (name && *name != entry.value) return "";
    name = entry.value;
  }
  return name ? *name + "*" + std::to_string(snapshot.key_count()) : "";
}

bool becomes(Reader& reader, const std::string& state, std::chrono::milliseconds limit) {
  return harness::eventually([&] { return reader.poll(), state_of(reader.snapshot()) == state; }, limit);
}

}  // namespace shmconf::integration
