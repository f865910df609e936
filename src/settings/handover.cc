#include "settings/handover.h"

#include <cstdint>
#include <span>
#include <string>

#include "settings/assembly.h"
#include "settings/settings_file.h"
#include "settings/settings_text.h"

namespace shmconf::settings {
namespace {

// In front of the text. An odd sequence: the text is being written.
struct Head {
  std::uint64_t sequence = 0;
  std::uint64_t text_bytes = 0;
};

constexpr std::uint64_t kTextOffset = sizeof(Head);
constexpr std::uint64_t kLargestTextBytes = std::uint64_t{4} << 20;
constexpr int kAttempts = 500;
constexpr std::chrono::milliseconds kPause{2};

Result<Head> read_head(env::Env& env, int file) {
  Head head;
  const auto read = env.read_at(file, 0, std::as_writable_bytes(std::span(&head, 1)));
  if (!read) return read.error();
  return head;
}

Result<void> write_head(env::Env& env, int file, const Head& head) {
  return env.write_at(file, 0, std::as_bytes(std::span(&head, 1)));
}

Error no_settings() {
  return Error{ErrorCode::kInvalid, "the descriptor holds no settings; leave out --settings-fd"};
}

// One whole version of the text.
Result<std::string> read_text(env::Env& env, int file) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = read_head(env, file);
    if (!before || before->text_bytes > kLargestTextBytes) return no_settings();
    if (before->sequence % 2 == 0) {
      std::string text(before->text_bytes, '\0');
      const auto read = env.read_at(file, kTextOffset, std::as_writable_bytes(std::span(text)));
      const auto after = read_head(env, file);
      if (read && after && after->sequence == before->sequence) return text;
    }
    env.sleep_for(kPause);
  }
  return Error{ErrorCode::kTimeout, "the settings stay half-written: their writer was stopped"};
}

}  // namespace

Result<void> write_handover(env::Env& env, int file, const Settings& settings) {
  const auto text = to_json(settings);
  if (!text) return text.error();
  const auto previous = read_head(env, file);
  // A new file is shorter than a head.
  if (!previous && previous.error().code != ErrorCode::kDamaged) return previous.error();
  const std::uint64_t odd = (previous ? previous->sequence : 0) | 1;
  // Each step is a system call, so readers see them in this order.
  if (auto begun = write_head(env, file, {odd, text->size()}); !begun) return begun;
  auto written = env.write_at(file, kTextOffset, std::as_bytes(std::span(*text)));
  if (!written) return written;
  return write_head(env, file, {odd + 1, text->size()});
}

Result<Settings> read_handover(env::Env& env, int file) {
  const auto text = read_text(env, file);
  if (!text) return text.error();
  Assembly assembly;
  read_settings_text(*text, "--settings-fd", assembly);
  if (!assembly.problems().empty()) return to_error(assembly.problems());
  return std::move(assembly.draft().settings);
}

}  // namespace shmconf::settings
