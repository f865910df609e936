// Vanished: which keys of the published configuration Consul has to be asked for by their own names
// before an answer that lacks them is believed.
//
// An ACL that was narrowed inside a prefix filters an answer silently; only the GET of a key itself
// tells "deleted" (404) from "denied" (403). Not thread-safe.
#ifndef SHMCONF_SOURCES_VANISHED_H_
#define SHMCONF_SOURCES_VANISHED_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"
#include "shm/content.h"
#include "shmconf/snapshot_view.h"
#include "sources/overlay.h"

namespace shmconf::sources {

// One source, now and before.
struct SourceKeys {
  Pairs now;
  // As published. Absent (known_before false) when this process does not know it; then every name
  // that the answer lacks is a suspect.
  bool known_before = false;
  Pairs before;
};

struct Suspect {
  std::string name;  // as Consul knows it
  std::size_t source = 0;

  bool operator==(const Suspect&) const = default;
};

struct Suspects {
  std::uint64_t total = 0;
  std::vector<Suspect> asked;  // all of them, or a sample across the directories
};

inline constexpr std::size_t kMostAsked = 64;

// A key of the snapshot that the sources together do not have any more, or that a lower source gives
// another value to, may have come from any source that does not have it now.
class Vanished {
 public:
  // Both must outlive it.
  Vanished(std::span<const settings::Source> sources, std::span<const SourceKeys> keys) noexcept
      : sources_(sources), keys_(keys) {}

  // One key, as align() shows them beside what keys' now make together. before's key must outlive this.
  void see(const Entry* before, const shm::Item* now);

  [[nodiscard]] Suspects suspects(std::size_t most_asked = kMostAsked) const;

 private:
  // A suspect without its name spelled out: there may be as many as there are keys.
  struct Lead {
    std::string_view key;
    std::size_t source = 0;
  };

  void missing(std::string_view key);
  void changed(std::string_view key);
  void collect(std::string_view key, std::size_t from, bool trust_before);
  [[nodiscard]] std::vector<std::size_t> sample(std::size_t most) const;

  std::span<const settings::Source> sources_;
  std::span<const SourceKeys> keys_;
  std::vector<Lead> leads_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_VANISHED_H_
