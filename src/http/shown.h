// Shown: the JSON of the page, made of what a reader sees.
//
//   /api/state    one object: verdict, ages, sources, processes
//   /api/tree     every key, with its value where values are shown
//   /api/history  the last generations, newest first; an entry is also the data of `event: change`
//
// Numbers of 64 bits (generation, indexes, flags) are strings, since many JSON readers would round them;
// times are UTC, ages milliseconds; what never happened, or is not shown, is null. Bytes that are no
// UTF-8 come as base64, or with replacement characters where they are names. Secrets are masked (see
// display/secrets.h), whoever asks. Thread-safe: nothing here changes.
#ifndef SHMCONF_HTTP_SHOWN_H_
#define SHMCONF_HTTP_SHOWN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "display/secrets.h"
#include "display/status_text.h"
#include "http/view.h"
#include "settings/settings.h"

namespace shmconf::http {

// The largest value that is shown whole, in the tree and in the history.
inline constexpr std::size_t kLargestTreeValueBytes = 16 * 1024;
inline constexpr std::size_t kLargestHistoryValueBytes = 2 * 1024;
// So much of a tree is sent; the rest is counted.
inline constexpr std::size_t kLargestTreeBytes = std::size_t{4} << 20;
inline constexpr std::size_t kLargestHistoryBytes = std::size_t{4} << 20;
// So many keys of one change are listed; the rest is counted.
inline constexpr std::size_t kMostChangedKeys = 100;

// One key of a change; values as they may be shown.
struct ChangedKey {
  std::string key;
  const char* change = "changed";  // "added", "changed" or "removed"
  std::optional<std::string> before{};
  std::optional<std::string> after{};
  bool secret = false;
};

// One generation as it was met.
struct Met {
  std::uint64_t generation = 0;
  display::WallTime published{};
  std::optional<std::chrono::nanoseconds> latency{};  // from Consul's answer to its being published
  format::Origin origin = format::Origin::kConsul;
  bool first = false;                                 // it was there when this process came
  std::vector<ChangedKey> keys{};
  std::uint64_t keys_left_out = 0;
};

class Shown {
 public:
  // show_values: else every value is null.
  Shown(const settings::Settings& settings, bool show_values);

  // One sentence.
  [[nodiscard]] static std::string summary(const Seen& seen, display::WallTime now);
  [[nodiscard]] std::string state(const Seen& seen, display::WallTime now) const;
  [[nodiscard]] std::string tree(const Seen& seen) const;
  [[nodiscard]] static std::string change(const Met& met);
  [[nodiscard]] static std::string history(const std::vector<std::string>& changes);

  [[nodiscard]] ChangedKey changed(const Change& change) const;

 private:
  struct Value {
    std::optional<std::string> text;
    bool base64 = false;
    bool secret = false;
    bool cut = false;
  };
  [[nodiscard]] Value value_of(const Entry& entry, std::size_t largest_bytes) const;

  std::string name_;
  std::string consul_address_;
  std::string datacenter_;
  std::vector<settings::Source> sources_;
  bool show_values_;
  display::SecretWords secrets_;
};

// Of a snapshot, as far as its header tells.
Met met(const Snapshot& snapshot);

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_SHOWN_H_
