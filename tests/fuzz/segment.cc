// Fuzz target: a segment on a file system whose control page and snapshots hold arbitrary bytes, under the
// C ABI: opened, read, followed to a second snapshot, retired. segment_input.h tells what an input is.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "fuzz/segment_input.h"
#include "fuzz/target.h"
#include "harness/temp_directory.h"
#include "shmconf/c.h"
#include "unit/reader/plain_segment.h"

namespace shmconf::fuzz {
namespace {

using format::ControlPage;

void overwrite(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  ::close(fd);
  if (written) return;
  std::perror(path.c_str());
  std::exit(2);
}

// The files of one input; they go with it.
class Files {
 public:
  explicit Files(const SegmentInput& input) : input_(input), page_(input.page) {
    page_.resize(format::kControlPageBytes, '\0');
    // An empty boot id stands for that of the running kernel.
    static const std::string boot_id = testing::kernel_boot_id();
    constexpr std::size_t kBootId = offsetof(ControlPage, boot_id);
    if (page_[kBootId] == '\0') page_.replace(kBootId, boot_id.size(), boot_id);
    ::mkdir(directory().c_str(), 0700);
    overwrite(control(), std::string_view(page_).substr(0, page_bytes()));
    if ((input.options & SegmentInput::kBackup) != 0) overwrite(backup(), input.first);
    overwrite(snapshot(generation()), input.first);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    for (const auto& entry : std::filesystem::directory_iterator(directory())) std::filesystem::remove(entry);
    ::unlink(backup().c_str());
  }

  // The second snapshot, as watch does it: a draft under its own name first.
  void prepare_second() {
    const std::uint64_t id = word(offsetof(ControlPage, draft_id));
    overwrite(draft(id), input_.second);
  }
  void publish_second(bool prepared) {
    const std::uint64_t id = word(offsetof(ControlPage, draft_id));
    const std::uint64_t next = generation() + 1;
    if (prepared) {
      ::rename(draft(id).c_str(), snapshot(next).c_str());
    } else {
      overwrite(snapshot(next), input_.second);
    }
    store(offsetof(ControlPage, snapshot_id), id);
    store(offsetof(ControlPage, generation), next);
  }
  void retire() { store(offsetof(ControlPage, generation), format::kRetired); }

  static const std::string& root() {
    static const harness::TempDirectory made;
    return made.path();
  }
  static std::string backup() { return root() + "/web.snapshot"; }

 private:
  static std::string directory() { return root() + "/web"; }
  static std::string control() { return directory() + "/" + format::kControlFile; }
  static std::string snapshot(std::uint64_t generation) { return directory() + "/" + format::generation_name(generation); }
  static std::string draft(std::uint64_t id) { return directory() + "/" + format::draft_name(format::Role::kWatch, id); }

  [[nodiscard]] std::size_t page_bytes() const {
    return (input_.options & SegmentInput::kShortPage) != 0 ? input_.page.size() : page_.size();
  }
  [[nodiscard]] std::uint64_t word(std::size_t offset) const {
    std::uint64_t value = 0;
    std::memcpy(&value, page_.data() + offset, 8);
    return value;
  }
  [[nodiscard]] std::uint64_t generation() const { return word(offsetof(ControlPage, generation)); }
  // In place, as readers have the page mapped; a file that is too short keeps its length.
  void store(std::size_t offset, std::uint64_t value) const {
    if (offset + 8 > page_bytes()) return;
    const int fd = ::open(control().c_str(), O_WRONLY | O_CLOEXEC);
    require(::pwrite(fd, &value, 8, static_cast<off_t>(offset)) == 8, "the control page can be written");
    ::close(fd);
  }

  const SegmentInput& input_;
  std::string page_;
};

void touch(const char* bytes, std::size_t size) {
  volatile unsigned sink = 0;
  for (std::size_t i = 0; i < size; ++i) sink = sink + static_cast<unsigned char>(bytes[i]);
}

void ask_for(shmconf_reader* reader, const char* key, std::size_t bytes) {
  const char* value = nullptr;
  std::size_t size = 0;
  if (shmconf_get(reader, key, bytes, &value, &size) == SHMCONF_OK) touch(value, size);
  char buffer[64];
  std::size_t copied = 0;
  static_cast<void>(shmconf_get_copy(reader, key, bytes, buffer, sizeof buffer, &copied));
  std::int64_t number = 0;
  std::uint64_t natural = 0;
  double real = 0;
  int flag = 0;
  static_cast<void>(shmconf_get_int64(reader, key, bytes, &number));
  static_cast<void>(shmconf_get_uint64(reader, key, bytes, &natural));
  static_cast<void>(shmconf_get_double(reader, key, bytes, &real));
  static_cast<void>(shmconf_get_bool(reader, key, bytes, &flag));
  static_cast<void>(shmconf_get_milliseconds(reader, key, bytes, &number));
}

void list(shmconf_reader* reader, int listing) {
  shmconf_snapshot* snapshot = nullptr;
  require(shmconf_snapshot_take(reader, &snapshot) == SHMCONF_OK, "a reader has a snapshot");
  const bool sound = shmconf_snapshot_verify(snapshot) == SHMCONF_OK;
  shmconf_iterator* iterator = nullptr;
  require(shmconf_iterate(snapshot, "", 0, listing, &iterator) == SHMCONF_OK, "a snapshot can be listed");
  shmconf_entry entry = SHMCONF_ENTRY_INIT;
  shmconf_code code = SHMCONF_OK;
  for (int asked = 0; (code = shmconf_next(iterator, &entry)) == SHMCONF_OK; ++asked) {
    touch(entry.key, entry.key_bytes);
    touch(entry.value, entry.value_bytes);
    touch(entry.session, entry.session_bytes);
    if (asked < 8) ask_for(reader, entry.key, entry.key_bytes);
    shmconf_entry found = SHMCONF_ENTRY_INIT;
    const bool is_found = shmconf_snapshot_entry(snapshot, entry.key, entry.key_bytes, &found) == SHMCONF_OK;
    require(!sound || (is_found && found.value == entry.value), "in a sound snapshot get answers what a scan shows");
  }
  require(code == SHMCONF_ABSENT || (code == SHMCONF_DAMAGED && !sound), "a listing of a sound snapshot is whole");
  for (std::size_t i = 0; i < 4; ++i) static_cast<void>(shmconf_snapshot_index(snapshot, i));
  shmconf_iterator_free(iterator);
  shmconf_snapshot_free(snapshot);
}

void ask_everything(shmconf_reader* reader) {
  for (const char* key : {"", "k", "config/web/redis/port", "demo-config#/redis_config/redis_port"}) {
    ask_for(reader, key, SHMCONF_NUL_TERMINATED);
  }
  for (const int listing : {SHMCONF_KEYS, SHMCONF_POINTERS, SHMCONF_BOTH}) list(reader, listing);
  shmconf_status status{};
  status.size = sizeof status;
  require(shmconf_get_status(reader, &status) == SHMCONF_OK, "status always answers");
  static_cast<void>(shmconf_verdict_name(status.verdict));
  static_cast<void>(shmconf_origin_name(status.origin));
}

void on_change(void* changes, const char* key, std::size_t bytes, const shmconf_entry* before, const shmconf_entry* after) {
  ++*static_cast<std::uint64_t*>(changes);
  touch(key, bytes);
  if (before != nullptr) touch(before->value, before->value_bytes);
  if (after != nullptr) touch(after->value, after->value_bytes);
}

// Past the reads that leave a change's tidying alone, so that the next snapshot is mapped ahead.
void read_often(shmconf_reader* reader) {
  for (int i = 0; i < 24; ++i) ask_for(reader, "k", 1);
}

}  // namespace

bool accepts(std::string_view input) {
  const SegmentInput parts = SegmentInput::parse(input);
  Files files(parts);
  const std::string backup = Files::backup();
  shmconf_options options = SHMCONF_OPTIONS_INIT;
  options.directory = Files::root().c_str();
  options.backup_file = backup.c_str();
  options.verify = parts.options & SegmentInput::kVerify;
  options.deny_backup = parts.options & SegmentInput::kDenyBackup;
  const bool draft = (parts.options & SegmentInput::kDraft) != 0;
  if (draft) files.prepare_second();
  shmconf_reader* reader = nullptr;
  const shmconf_code opened = shmconf_open("web", &options, &reader);
  if (opened != SHMCONF_OK) {
    require(reader == nullptr && shmconf_last_error()[0] != '\0', "a refusal says why");
    require(opened == SHMCONF_ABSENT || opened == SHMCONF_NOT_READY || opened == SHMCONF_WRONG_VERSION ||
                opened == SHMCONF_DAMAGED,
            "no bytes make open fail for another reason");
    return false;
  }
  std::uint64_t changes = 0;
  std::uint64_t id = 0;
  static_cast<void>(shmconf_on_change(reader, "", 0, on_change, &changes, &id));
  static_cast<void>(shmconf_on_change(reader, "k", 1, on_change, &changes, &id));
  ask_everything(reader);

  read_often(reader);
  files.publish_second(draft);
  static_cast<void>(shmconf_wait(reader, 0));
  ask_everything(reader);
  read_often(reader);

  files.retire();
  static_cast<void>(shmconf_poll(reader));
  ask_everything(reader);
  shmconf_close(reader);
  return true;
}

}  // namespace shmconf::fuzz
