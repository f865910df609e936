// What `shmconf top` shows: the verdict, the processes, what changed while it ran, and the keys.
//
// Pure functions; thread-safe. Nothing that they make holds a byte that a terminal would obey, and no
// value whose name says that it is a secret (display/secrets.h).
#ifndef SHMCONF_CLI_TOP_TEXT_H_
#define SHMCONF_CLI_TOP_TEXT_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/styled_line.h"
#include "display/secrets.h"
#include "display/status_text.h"
#include "shmconf/snapshot.h"
#include "shmconf/status.h"

namespace shmconf::cli {

using display::SecretWords;
using display::WallTime;

// A change of one key, as it is shown: escaped, masked, and not longer than a line.
struct SeenChange {
  WallTime published;
  std::string key;
  std::optional<std::string> before;  // empty: the key is new
  std::optional<std::string> after;   // empty: the key is gone
};

// The value as one line of at most about `most_bytes`.
std::string shown_value(const SecretWords& words, std::string_view key, std::string_view value,
                        std::size_t most_bytes);

// What there is to show.
struct TopView {
  const std::string& name;
  const Status& status;
  const Snapshot& snapshot;
  const SecretWords& words;
  const std::deque<SeenChange>& changes;  // the newest first
  WallTime now;
};

// The keys that a picture shows.
struct KeyWindow {
  std::size_t first = 0;  // how many are above it
  std::size_t rows = 0;
};

// The picture, `rows` lines for a terminal of so many columns. Moves window.first so that the window
// is as full as it can be, and says how many rows it has.
std::vector<StyledLine> top_lines(const TopView& view, std::size_t rows, std::size_t columns, KeyWindow& window);

// The same once, as plain lines: status_text(), and every key with its value.
std::string top_text(const TopView& view);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_TOP_TEXT_H_
