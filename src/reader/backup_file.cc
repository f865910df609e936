#include "reader/backup_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace shmconf::reader {
namespace {

using format::SnapshotHeader;

Error damaged(const std::string& file, const std::string& what) {
  return Error{ErrorCode::kDamaged, "the backup '" + file + "' is damaged: " + what};
}

Result<void> check_owner(const struct stat& info, const std::string& file, const AllowedOwner& owner) {
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::kDenied, "the backup '" + file + "' is not a regular file"};
  }
  if ((info.st_mode & 022) != 0) {
    return Error{ErrorCode::kDenied, "the backup '" + file + "' is writable by others: chmod go-w it"};
  }
  const bool allowed =
      owner.anybody || info.st_uid == 0 || info.st_uid == ::geteuid() || info.st_uid == owner.also;
  if (allowed) return {};
  return Error{ErrorCode::kDenied, "the backup '" + file + "' belongs to uid " + std::to_string(info.st_uid) +
                                       ": name it, if you trust that user"};
}

// Fills bytes from the file's position on.
Result<void> read_whole(int fd, std::span<std::byte> bytes, const std::string& file) {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t count = ::read(fd, bytes.data(), std::min(bytes.size(), kLargestRead));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error(errno, "read", file);
    if (count == 0) return damaged(file, "it ends early");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

// Judges the header before its size is believed, so that no file makes us allocate for nothing.
Result<void> check_header(const SnapshotHeader& header, std::uint64_t size_bytes, const std::string& file) {
  if (header.magic == format::kSnapshotMagic && header.version != format::kSnapshotVersion) {
    return Error{ErrorCode::kWrongVersion,
                 "the backup '" + file + "' has format version " + std::to_string(header.version) +
                     ", this library reads version " + std::to_string(format::kSnapshotVersion)};
  }
  if (header.magic != format::kSnapshotMagic || header.header_checksum != format::header_checksum(header)) {
    return damaged(file, "its header is not sound");
  }
  if (header.total_bytes != size_bytes) {
    return damaged(file, "it holds " + std::to_string(size_bytes) + " bytes instead of " +
                             std::to_string(header.total_bytes));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Mapping>> read_backup(const std::string& file, const AllowedOwner& owner) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!opened.valid()) return system_error(errno, "open the backup", file);
  struct stat info;
  if (::fstat(opened.get(), &info) != 0) return system_error(errno, "look at the backup", file);
  if (auto allowed = check_owner(info, file, owner); !allowed) return allowed.error();
  const auto size_bytes = static_cast<std::uint64_t>(info.st_size);
  if (size_bytes < sizeof(SnapshotHeader)) return damaged(file, "it is shorter than its header");

  SnapshotHeader header;
  if (auto done = read_whole(opened.get(), std::as_writable_bytes(std::span(&header, 1)), file); !done) {
    return done.error();
  }
  if (auto sound = check_header(header, size_bytes, file); !sound) return sound.error();
  auto region = Region::allocate(static_cast<std::size_t>(size_bytes));
  if (!region) return region.error();
  region->keep_out_of_dumps();
  std::memcpy(region->data(), &header, sizeof header);
  const std::span<std::byte> rest(static_cast<std::byte*>(region->data()) + sizeof header,
                                  static_cast<std::size_t>(size_bytes) - sizeof header);
  if (auto done = read_whole(opened.get(), rest, file); !done) return done.error();
  region->protect();

  auto view = SnapshotView::open(region->bytes());
  if (!view) return Error{view.error().code, "the backup '" + file + "': " + view.error().text};
  if (auto sound = view->verify(); !sound) {
    return Error{sound.error().code, "the backup '" + file + "': " + sound.error().text};
  }
  return std::make_shared<const Mapping>(std::move(*region), *view);
}

}  // namespace shmconf::reader
