#include "supervisor/holder.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace shmconf::supervisor {
namespace {

// Between the lock bytes and the publishers' record at 64 (src/shm/segment.cc).
constexpr std::uint64_t kOffset = 8;
using Line = std::array<char, 56>;

bool printable(char character) { return character >= ' ' && character < 0x7f; }

}  // namespace

void name_holder(env::Env& env, const shm::Place& place, std::string_view command) {
  auto file = shm::open_lock_file(env, place);
  if (!file) return;
  const std::string text = std::string(command) + ", pid " + std::to_string(::getpid());
  Line line{};
  std::copy_n(text.data(), std::min(text.size(), line.size() - 1), line.data());
  static_cast<void>(env.write_at(file->get(), kOffset, std::as_bytes(std::span(line))));
}

std::string holder(env::Env& env, const shm::Place& place) {
  constexpr const char* kUnnamed = "an unnamed process";
  auto file = shm::open_lock_file(env, place);
  if (!file) return kUnnamed;
  Line line{};
  if (!env.read_at(file->get(), kOffset, std::as_writable_bytes(std::span(line)))) return kUnnamed;
  const std::string_view text(line.data(), ::strnlen(line.data(), line.size()));
  if (text.empty() || !std::all_of(text.begin(), text.end(), printable)) return kUnnamed;
  return std::string(text);
}

}  // namespace shmconf::supervisor
