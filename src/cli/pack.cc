#include "cli/pack.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backup/store.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/pack_input.h"
#include "consul/kv.h"
#include "env/env.h"
#include "env/fd.h"
#include "shm/content.h"
#include "shm/snapshot_builder.h"
#include "sources/documents.h"
#include "sources/overlay.h"
#include "sources/text_arena.h"

namespace shmconf::cli {
namespace {

constexpr char kCommand[] = "pack";
constexpr std::string_view kStandardInput = "-";

Result<std::string> read_descriptor(int fd, const std::string& path) {
  std::string text;
  std::array<char, 1 << 16> piece;
  for (;;) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return env::system_error(errno, "read", path);
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

Result<std::string> read_input(const std::string& path) {
  if (path == kStandardInput) return read_descriptor(STDIN_FILENO, "the standard input");
  const env::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return env::system_error(errno, "open", path);
  return read_descriptor(file.get(), path);
}

Result<std::vector<std::byte>> snapshot_of(const shm::Content& content) {
  const Result<std::uint64_t> size = shm::snapshot_bytes(content);
  if (!size) return size.error();
  std::vector<std::byte> bytes(*size);
  std::random_device random;
  shm::build_snapshot(content, std::uint64_t{random()} << 32 | random(), bytes);
  // A generation as a segment's page would count its first; a restore gives the snapshot its own.
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(content.read_wall).count();
  const std::uint64_t generation = static_cast<std::uint64_t>(seconds) << 32 | 1;
  shm::stamp_generation(bytes, generation, content.read_wall, format::Origin::kBackup);
  return bytes;
}

std::vector<consul::KvPair> pairs_of(const std::vector<PackedKey>& keys) {
  std::vector<consul::KvPair> pairs;
  pairs.reserve(keys.size());
  for (const PackedKey& key : keys) {
    consul::KvPair& pair = pairs.emplace_back();
    pair.key = key.key;
    pair.value = key.value;
    pair.flags = key.flags;
  }
  return pairs;
}

// The pairs, which are sorted, that a query for the source would have answered.
sources::Pairs belonging(const settings::Source& source, sources::Pairs pairs) {
  const bool is_prefix = source.kind == settings::Source::Kind::kPrefix;
  const std::string_view path = source.path;
  const auto begin = std::partition_point(pairs.begin(), pairs.end(),
                                          [&](const consul::KvPair& pair) { return pair.key < path; });
  const auto end = std::partition_point(begin, pairs.end(), [&](const consul::KvPair& pair) {
    return is_prefix ? pair.key.starts_with(path) : pair.key == path;
  });
  return {begin, end};
}

// The keys as the sidecar would lay them over one another; without sources, each by its whole name.
shm::Items items_of(sources::Pairs pairs, std::vector<settings::Source> from) {
  if (from.empty()) from.push_back({settings::Source::Kind::kPrefix, ""});
  std::vector<sources::Pairs> of_sources;
  for (const settings::Source& source : from) of_sources.push_back(belonging(source, pairs));
  return sources::merge(from, of_sources);
}

}  // namespace

Result<Packed> pack_keys(const std::vector<PackedKey>& keys, const std::vector<settings::Source>& sources,
                         std::chrono::nanoseconds wall) {
  shm::Content content;
  content.origin = format::Origin::kBackup;
  content.read_wall = wall;
  content.keys = items_of(pairs_of(keys), sources);
  if (content.keys.empty()) {
    return Error{ErrorCode::kInvalid, keys.empty() ? "there are no keys in it"
                                                   : "no key in it is one that --prefix and --key ask for"};
  }
  Packed packed;
  sources::TextArena storage;
  packed.warnings = sources::expand_documents(content, storage);
  Result<std::vector<std::byte>> bytes = snapshot_of(content);
  if (!bytes) return bytes.error();
  packed.bytes = std::move(*bytes);
  packed.key_count = content.keys.size();
  packed.pointer_count = content.pointers.size();
  return packed;
}

int run_pack(const PackOptions& options) {
  const auto in_input = [&](const Error& error) {
    return Error{error.code, options.input + ": " + error.text};
  };
  const Result<std::string> text = read_input(options.input);
  if (!text) return fail(kCommand, text.error());
  const Result<std::vector<PackedKey>> keys = parse_pack_input(*text);
  if (!keys) return fail(kCommand, in_input(keys.error()));
  env::Env& env = env::Env::posix();
  const Result<Packed> packed = pack_keys(*keys, options.sources, env.wall_now());
  if (!packed) return fail(kCommand, in_input(packed.error()));
  for (const std::string& warning : packed->warnings) complain(kCommand, warning);
  backup::Store store(env, options.output, options.key_file);
  const Result<void> written = store.write(packed->bytes);
  if (!written) return fail(kCommand, written.error());

  Output out;
  out << options.output << ": " << counted(packed->key_count, "key") << ", "
      << counted(packed->pointer_count, "pointer") << " into JSON documents, "
      << counted(packed->bytes.size(), "byte") << "\n";
  return finish(kCommand, out, kExitDone);
}

}  // namespace shmconf::cli
