// Fuzz target: a backup file of arbitrary bytes, under the sidecar's store and the reader's loader. The
// input is the file.
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "backup/store.h"
#include "env/env.h"
#include "fuzz/snapshot_questions.h"
#include "fuzz/target.h"
#include "harness/temp_directory.h"
#include "shmconf/reader.h"
#include "unit/reader/plain_segment.h"

namespace shmconf::fuzz {
namespace {

using testing::PlainContent;
using testing::PlainSnapshot;
using testing::read_file;
using testing::write_file;

PlainSnapshot snapshot_of(std::string value) {
  return PlainSnapshot(PlainContent{.keys = {{.key = "k", .value = std::move(value)}}, .pointers = {}});
}

ErrorCode code_of(const Result<backup::Loaded>& loaded) {
  return loaded ? ErrorCode{} : loaded.error().code;
}

// Neither has a key here: the sidecar looks whether such a file is whole, the reader only what it is.
bool is_encrypted(std::string_view input) {
  return input.starts_with(std::string_view(format::kSealedMagic.data(), format::kSealedMagic.size()));
}

// The file alone: the sidecar's loader and the reader's judge it alike.
bool load_alone(const std::string& path, bool encrypted) {
  const auto loaded = backup::Store::load_file(env::Env::posix(), path);
  const auto reader = Reader::open_backup(path);
  require(loaded.ok() == reader.ok(), "sidecar and reader take the same backups");
  const ErrorCode code = code_of(loaded);
  const bool denied = encrypted && code == ErrorCode::kDenied;
  require(loaded.ok() || denied || code == ErrorCode::kDamaged || code == ErrorCode::kWrongVersion,
          "a backup that is refused is damaged, encrypted, or of another version");
  require(loaded.ok() || encrypted || code == reader.error().code, "sidecar and reader refuse for the same reason");
  if (!loaded) return false;
  ask_everything(loaded->view(), true);
  for (const std::string& key : interesting_keys(loaded->view())) {
    Entry entry;
    const bool found = loaded->view().find(key, entry) == Lookup::kFound;
    require(reader->get(key) == (found ? std::optional(entry.value) : std::nullopt), "both read the same");
  }
  return true;
}

// With a good one before it: that one is found, and what is damaged is set aside.
void load_with_previous(const std::string& path, const std::string& input, bool sound) {
  static const std::string previous = snapshot_of("before").string();
  static const std::string next = snapshot_of("next").string();
  write_file(path + ".prev", previous);
  backup::Store store(env::Env::posix(), path);
  const auto loaded = store.load();
  require(loaded.ok(), "a bad backup leaves the one before it");
  require(loaded->path() == (sound ? path : path + ".prev"), "the newest sound backup is the one");
  const bool stays = !sound && std::filesystem::exists(path);
  require(sound || stays != std::filesystem::exists(path + ".damaged"), "what is damaged is set aside");
  const ErrorCode code = code_of(backup::Store::load_file(env::Env::posix(), path));
  require(!stays || code == (is_encrypted(input) ? ErrorCode::kDenied : ErrorCode::kWrongVersion),
          "only a backup of another version, or an encrypted one, stays");

  const auto bytes = std::as_bytes(std::span(next));
  const auto written = store.write(bytes);
  require(written.ok() != stays, "a backup is written, unless one that cannot be read, but may be good, is there");
  require(read_file(path) == (stays ? input : next), "and that one is left untouched");
}

}  // namespace

bool accepts(std::string_view input) {
  static const harness::TempDirectory root;
  const std::string path = root / "web.snapshot";
  const std::string bytes(input);
  write_file(path, bytes);
  const bool sound = load_alone(path, is_encrypted(input));
  load_with_previous(path, bytes, sound);
  for (const auto& entry : std::filesystem::directory_iterator(root.path())) std::filesystem::remove(entry);
  return sound;
}

}  // namespace shmconf::fuzz
