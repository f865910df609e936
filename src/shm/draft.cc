#include "shm/draft.h"

#include <fcntl.h>

#include <array>
#include <utility>

#include "format/huge_pages.h"
#include "shm/group_access.h"

namespace shmconf::shm {

Draft::Draft(Draft&& other) noexcept { *this = std::move(other); }

Draft& Draft::operator=(Draft&& other) noexcept {
  if (this == &other) return *this;
  discard();
  env_ = std::exchange(other.env_, nullptr);
  directory_ = other.directory_;
  name_ = std::move(other.name_);
  id_ = other.id_;
  file_ = std::move(other.file_);
  length_ = other.length_;
  map_ = std::move(other.map_);
  return *this;
}

Draft::~Draft() { discard(); }

void Draft::discard() noexcept {
  map_.reset();
  if (env_ == nullptr) return;
  // A reader that has mapped it ahead would keep its memory, maybe for ever: without room there is no next
  // generation to let it go. It touches nothing of a file that is not published.
  static_cast<void>(env_->truncate(file_.get(), 0));
  static_cast<void>(std::exchange(env_, nullptr)->unlink_at(directory_, name_));
}

Result<Draft> Draft::make(env::Env& env, int directory, format::Role role, std::uint64_t id,
                          std::optional<gid_t> group, std::uint64_t bytes) {
  const mode_t mode = group ? 0640 : 0600;
  Draft draft;
  draft.name_ = format::draft_name(role, id);
  draft.id_ = id;
  draft.directory_ = directory;
  auto file = env.open_at(directory, draft.name_, O_RDWR | O_CREAT | O_EXCL, mode);
  if (!file) return draft.without_id(file.error());
  draft.env_ = &env;
  draft.file_ = std::move(*file);
  if (auto given = give_to_group(env, draft.file_.get(), group, mode); !given) return given.error();
  if (auto sized = env.truncate(draft.file_.get(), bytes); !sized) return sized.error();
  draft.length_ = bytes;
  auto map = Mapping::map(env, draft.file_.get(), bytes, Access::kReadWrite);
  if (!map) return map.error();
  draft.map_ = std::move(*map);
  draft.use_huge_pages();
  if (auto allocated = env.allocate(draft.file_.get(), bytes); !allocated) return allocated.error();
  return draft;
}

// Where the kernel has none to give (before Linux 6.1, with no 2 MiB of free memory in one piece, or in a
// tmpfs that is almost full), or giving them may take for ever (isolated processors), the draft gets pages of
// 4 KiB.
//
// MADV_COLLAPSE heeds no setting in sysfs but shmem_enabled=deny (madvise(2)), so that a tmpfs needs no huge=.
// It answers EINVAL where all of a huge page is a hole (measured; in Linux' mm/khugepaged.c, collapse_file()
// takes that for a truncated file), so one byte of each is written: by the file, since a store into a hole of
// a full tmpfs is SIGBUS. Measured on Linux 6.18, processors free, for 17 MiB: 1.0 ms to make and 1.0 ms to
// write, against 3.8 and 8.5 ms in pages of 4 KiB; allocated first, 9.1 and 1.2 ms.
void Draft::use_huge_pages() {
  const std::size_t whole_bytes = map_.bytes().size() / kHugePageBytes * kHugePageBytes;
  if (whole_bytes == 0) return;
  constexpr std::array kZero = {std::byte{0}};
  for (std::size_t offset = 0; offset < whole_bytes; offset += kHugePageBytes) {
    if (!env_->write_at(file_.get(), offset, kZero)) return;
  }
  static_cast<void>(env_->collapse(map_.bytes().first(whole_bytes)));
}

Result<void> Draft::set_length(std::uint64_t bytes) {
  if (bytes == length_) return {};
  if (auto set = env_->truncate(file_.get(), bytes); !set) return set;
  length_ = bytes;
  return {};
}

Result<void> Draft::shrink(std::uint64_t bytes) {
  if (auto set = set_length(bytes); !set) return set;
  map_.shrink(bytes);
  return {};
}

Result<void> Draft::publish_as(const std::string& name) {
  auto renamed = env_->rename_at(directory_, name_, name);
  if (!renamed) return without_id(renamed.error());
  env_ = nullptr;
  return {};
}

// The id is another one at each attempt, and the log folds only what is said again.
Error Draft::without_id(Error error) const {
  const auto at = error.text.find(name_);
  if (at != std::string::npos) error.text.replace(at, name_.size(), "the next snapshot");
  return error;
}

}  // namespace shmconf::shm
