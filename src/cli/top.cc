#include "cli/top.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/reader_access.h"
#include "cli/screen.h"
#include "cli/top_text.h"
#include "shmconf/reader.h"

namespace shmconf::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kCommand[] = "top";
// How long a key may wait: a change ends the wait for one, nothing ends it for the other.
constexpr milliseconds kInputInterval{100};
constexpr milliseconds kDrawInterval{1000};
constexpr std::size_t kKeptChanges = 100;
constexpr std::size_t kKeptValueBytes = 1024;

WallTime wall_now() { return std::chrono::system_clock::now(); }

// Where the keys typed move the window's first one.
void move_window(KeyWindow& window, std::string_view typed) {
  struct Key {
    std::string_view typed;
    std::ptrdiff_t lines;
    std::ptrdiff_t pages;
  };
  constexpr std::ptrdiff_t kAll = 1'000'000'000;
  // As terminals send them, in both of their modes, and as pagers take them.
  constexpr std::array kKeys = {
      Key{"\x1b[A", -1, 0},    Key{"\x1bOA", -1, 0},  Key{"k", -1, 0},         Key{"\x1b[B", 1, 0},
      Key{"\x1bOB", 1, 0},     Key{"j", 1, 0},        Key{"\x1b[5~", 0, -1},   Key{"\x1b[6~", 0, 1},
      Key{" ", 0, 1},          Key{"\x1b[H", -kAll, 0}, Key{"\x1bOH", -kAll, 0}, Key{"\x1b[1~", -kAll, 0},
      Key{"g", -kAll, 0},      Key{"\x1b[F", kAll, 0},  Key{"\x1bOF", kAll, 0},  Key{"\x1b[4~", kAll, 0},
      Key{"G", kAll, 0},
  };
  while (!typed.empty()) {
    const auto* const key =
        std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) { return typed.starts_with(k.typed); });
    if (key == kKeys.end()) {
      typed.remove_prefix(1);
      continue;
    }
    const auto rows = static_cast<std::ptrdiff_t>(window.rows);
    const auto first = static_cast<std::ptrdiff_t>(window.first) + key->lines + key->pages * rows;
    window.first = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(first, 0, kAll));
    typed.remove_prefix(key->typed.size());
  }
}

// One service, followed and drawn.
class Top {
 public:
  Top(const TopOptions& options, Screen& screen)
      : options_(options), words_(options.secrets), screen_(screen), reader_(open_reader(options.reader)) {}

  // Until it is ended. Error: the configuration cannot be read and waiting would not help (is_missing()
  // is false), or the terminal cannot be written.
  Result<void> run() {
    follow();
    for (;;) {
      if (!reader_ && !is_missing(reader_.error())) return reader_.error();
      if (auto drawn = draw(); !drawn) return drawn;
      if (!await_reason_to_draw()) return {};
    }
  }

 private:
  void follow() {
    if (!reader_) return;
    reader_->on_change("", [this](const Change& change) { note(change); });
  }

  void note(const Change& change) {
    const auto shown = [&](const std::optional<Entry>& entry) -> std::optional<std::string> {
      if (!entry) return std::nullopt;
      return shown_value(words_, change.key, entry->value, kKeptValueBytes);
    };
    const WallTime published{std::chrono::nanoseconds{reader_->snapshot().view().header().published_wall_ns}};
    changes_.push_front({published, escaped(change.key), shown(change.before), shown(change.after)});
    if (changes_.size() > kKeptChanges) changes_.pop_back();
  }

  Result<void> draw() {
    if (!reader_) {
      return screen_.draw({{{Style::kStrong, escaped(options_.reader.name)}},
                           {{Style::kWarning, "no configuration yet: "}, {Style::kPlain, escaped(reader_.error().text)}},
                           {},
                           {{Style::kFaint, "It is looked for each second.   q: quit"}}});
    }
    const Status status = reader_->status();
    const Snapshot snapshot = reader_->snapshot();
    const Screen::Size size = Screen::size();
    return screen_.draw(top_lines({options_.reader.name, status, snapshot, words_, changes_, wall_now()}, size.rows,
                                  size.columns, window_));
  }

  // False: it is to end.
  bool await_reason_to_draw() {
    const auto until = steady_clock::now() + kDrawInterval;
    while (steady_clock::now() < until) {
      const bool changed = reader_ && reader_->wait_for_change(kInputInterval);
      const Screen::Input input = screen_.input(reader_ ? milliseconds{0} : kInputInterval);
      if (input.ended || input.keys.find('q') != std::string::npos) return false;
      move_window(window_, input.keys);
      if (changed || input.redraw || !input.keys.empty()) return true;
    }
    if (!reader_) {
      reader_ = open_reader(options_.reader);
      follow();
    }
    return true;
  }

  const TopOptions& options_;
  const SecretWords words_;
  Screen& screen_;
  Result<Reader> reader_;
  std::deque<SeenChange> changes_;
  KeyWindow window_;
};

int print_once(const TopOptions& options) {
  const Result<Reader> reader = open_reader(options.reader);
  if (!reader) return fail_to_open(kCommand, reader.error());
  const Status status = reader->status();
  const Snapshot snapshot = reader->snapshot();
  const std::deque<SeenChange> no_changes;
  Output out;
  out << top_text({options.reader.name, status, snapshot, SecretWords(options.secrets), no_changes, wall_now()});
  return finish(kCommand, out, kExitDone);
}

}  // namespace

int run_top(const TopOptions& options) {
  if (!Screen::possible()) return print_once(options);
  const Result<void> ended = [&]() -> Result<void> {
    auto screen = Screen::take();
    if (!screen) return screen.error();
    return Top(options, *screen).run();
  }();  // the terminal is given back before anything is complained of
  return ended ? kExitDone : fail_to_open(kCommand, ended.error());
}

}  // namespace shmconf::cli
