#include "cli/wait.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <thread>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/reader_access.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr char kCommand[] = "wait";
// How often an absent segment is looked for: nothing tells that one was made.
constexpr std::chrono::milliseconds kOpenInterval{20};
// The longest single wait; without a timeout the waits go on for ever.
constexpr std::chrono::hours kLongestWait{1};

class Deadline {
 public:
  explicit Deadline(const std::optional<std::chrono::milliseconds>& timeout) {
    if (timeout) at_ = steady_clock::now() + *timeout;
  }
  // Zero once it has passed; never more than a single wait.
  [[nodiscard]] nanoseconds left() const {
    if (!at_) return kLongestWait;
    return std::clamp<nanoseconds>(*at_ - steady_clock::now(), nanoseconds{0}, kLongestWait);
  }
  [[nodiscard]] bool passed() const { return left() == nanoseconds{0}; }

 private:
  std::optional<steady_clock::time_point> at_;
};

// Whether everything that was asked for holds. Without a key the generation alone counts, and 0 is
// the one before the first.
bool holds(const WaitOptions& options, const std::optional<std::uint64_t>& after, const Snapshot& snapshot) {
  if (after && snapshot.generation() == *after) return false;
  if (!options.key) return true;
  const auto value = snapshot.get(*options.key);
  return value && (!options.equals || *value == *options.equals);
}

int print_seen(const WaitOptions& options, std::uint64_t generation) {
  std::timespec seen{};
  ::clock_gettime(CLOCK_REALTIME, &seen);  // first of all: it is what is measured
  Output out;
  if (options.timestamp) {
    out << timestamp_text(seen) << "\n";
  } else {
    out << std::to_string(generation) << "\n";
  }
  return finish(kCommand, out, kExitDone);
}

int time_out(const WaitOptions& options, const Result<Reader>& reader) {
  std::string text = "timed out: ";
  if (!reader) {
    text += reader.error().text;
  } else if (!options.key) {
    text += "the generation is still " + std::to_string(reader->generation());
  } else if (!reader->contains(*options.key)) {
    text += "key '" + escaped(*options.key) + "' is not there";
  } else if (options.equals && reader->get(*options.key) != *options.equals) {
    text += "key '" + escaped(*options.key) + "' has another value";
  } else {
    text += "the generation is still " + std::to_string(reader->generation());
  }
  complain(kCommand, text);
  return kExitAbsent;
}

}  // namespace

std::string timestamp_text(const std::timespec& time) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%lld.%09ld", static_cast<long long>(time.tv_sec), time.tv_nsec);
  return text.data();
}

int run_wait(const WaitOptions& options) {
  const Deadline deadline(options.timeout);
  // Generations move in a segment; a backup holds keys, but stands still.
  const Backup backup = options.key ? Backup::kAllowed : Backup::kRefused;
  Result<Reader> reader = open_reader(options.reader, backup);
  std::optional<std::uint64_t> after = options.after;
  if (!options.key && !after) after = reader ? reader->generation() : 0;
  while (!reader && is_missing(reader.error())) {
    if (deadline.passed()) return time_out(options, reader);
    std::this_thread::sleep_for(std::min<nanoseconds>(deadline.left(), kOpenInterval));
    reader = open_reader(options.reader, backup);
  }
  if (!reader) return fail_to_open(kCommand, reader.error());

  for (;;) {
    {
      const Snapshot snapshot = reader->snapshot();
      if (holds(options, after, snapshot)) return print_seen(options, snapshot.generation());
    }
    if (deadline.passed()) return time_out(options, reader);
    static_cast<void>(reader->wait_for_change(deadline.left()));
  }
}

}  // namespace shmconf::cli
