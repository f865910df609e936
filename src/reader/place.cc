#include "reader/place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace shmconf::reader {

namespace {

// Whether the file holds all of these bytes.
bool read_at(int fd, void* bytes, std::size_t size_bytes, off_t offset) noexcept {
  ssize_t count = 0;
  do {
    count = ::pread(fd, bytes, size_bytes, offset);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(size_bytes);
}

}  // namespace

thread_local Region* Mapping::catching_ = nullptr;

std::uint64_t Page::generation() const noexcept {
  // Pairs with the publisher's release store, which follows the rename into place.
  if (!is_private()) return control_->generation.load(std::memory_order_acquire);
  std::uint64_t word = 0;
  const auto offset = static_cast<off_t>(offsetof(format::ControlPage, generation));
  return read_at(file_.get(), &word, sizeof word, offset) ? word : kUnreadable;
}

const format::ControlPage* Page::look(std::unique_ptr<format::ControlPage>& copy) const {
  if (!is_private()) return control_;
  copy = std::make_unique<format::ControlPage>();
  return has_its_file() && read_at(file_.get(), copy.get(), sizeof *copy, 0) ? copy.get() : nullptr;
}

bool Page::has_its_file() const noexcept {
  struct stat info;
  return ::fstat(file_.get(), &info) == 0 && info.st_dev == device && info.st_ino == inode;
}

std::string unreadable_page(const std::string& directory) {
  return "the control page in '" + directory +
         "' can no longer be read, for somebody has made its file shorter: restart the sidecar, which replaces it";
}

Result<void> check_page(const format::ControlPage& page, const std::string& boot_id) {
  // Pairs with the creator's release store of the version, its last: behind it, all else is there.
  const std::uint32_t version = page.version.load(std::memory_order_acquire);
  if (version == 0) return Error{ErrorCode::kNotReady, "the control page is being made: try again"};
  if (page.magic != format::kControlMagic) {
    return Error{ErrorCode::kDamaged,
                 "the control page does not begin like one of shmconf: restart the sidecar"};
  }
  if (version != format::kControlVersion || page.snapshot_version != format::kSnapshotVersion) {
    return Error{ErrorCode::kWrongVersion,
                 "the control page has format version " + std::to_string(version) + ", snapshots " +
                     std::to_string(page.snapshot_version) + ", this library reads version " +
                     std::to_string(format::kControlVersion) + " and " +
                     std::to_string(format::kSnapshotVersion) +
                     ": use the same release of shmconf on both sides"};
  }
  if (page.page_bytes != format::kControlPageBytes) {
    return Error{ErrorCode::kDamaged,
                 "the control page states another size than it has: restart the sidecar"};
  }
  const bool same_boot =
      std::equal(page.boot_id.begin(), page.boot_id.end(), boot_id.begin(), boot_id.end());
  if (!boot_id.empty() && !same_boot) {
    return Error{ErrorCode::kAbsent, "the segment was left from before this boot: start the sidecar"};
  }
  if (page.generation.load(std::memory_order_acquire) == format::kRetired) {
    return Error{ErrorCode::kAbsent, "the segment was given up: start the sidecar"};
  }
  return {};
}

}  // namespace shmconf::reader
