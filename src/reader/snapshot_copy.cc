#include "reader/snapshot_copy.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "shmconf/format.h"

namespace shmconf::reader {
namespace {

using format::SnapshotHeader;

Error damaged(const std::string& called, const std::string& what) {
  return Error{ErrorCode::kDamaged, called + " is damaged: " + what};
}

// Fills bytes from the file's position on.
Result<void> read_whole(int fd, std::span<std::byte> bytes, const std::string& called) {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t count = ::read(fd, bytes.data(), std::min(bytes.size(), kLargestRead));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error(errno, "read", called);
    if (count == 0) return damaged(called, "it ends early");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

// Judges the header before its size is believed, so that no file makes us allocate for nothing.
Result<void> check_header(const SnapshotHeader& header, std::uint64_t size_bytes, const std::string& called) {
  if (header.magic == format::kSealedMagic) {
    return Error{ErrorCode::kDenied, called +
                                         " is encrypted, for the sidecar alone: start that, or look into the file with "
                                         "'shmconf dump FILE --backup-key-file KEY'"};
  }
  if (header.magic == format::kSnapshotMagic && header.version != format::kSnapshotVersion) {
    return Error{ErrorCode::kWrongVersion, called + " has format version " + std::to_string(header.version) +
                                               ", this library reads version " +
                                               std::to_string(format::kSnapshotVersion)};
  }
  if (header.magic != format::kSnapshotMagic || header.header_checksum != format::header_checksum(header)) {
    return damaged(called, "its header is not sound");
  }
  if (header.total_bytes != size_bytes) {
    return damaged(called, "it holds " + std::to_string(size_bytes) + " bytes instead of " +
                               std::to_string(header.total_bytes));
  }
  return {};
}

}  // namespace

Result<MappedSnapshot> copy_snapshot(int fd, std::uint64_t size_bytes, const std::string& called) {
  if (size_bytes < sizeof(SnapshotHeader)) return damaged(called, "it is shorter than its header");
  SnapshotHeader header;
  if (auto done = read_whole(fd, std::as_writable_bytes(std::span(&header, 1)), called); !done) return done.error();
  if (auto sound = check_header(header, size_bytes, called); !sound) return sound.error();
  auto region = Region::allocate(static_cast<std::size_t>(size_bytes));
  if (!region) return region.error();
  region->keep_out_of_dumps();
  std::memcpy(region->data(), &header, sizeof header);
  const std::span<std::byte> rest(static_cast<std::byte*>(region->data()) + sizeof header,
                                  static_cast<std::size_t>(size_bytes) - sizeof header);
  if (auto done = read_whole(fd, rest, called); !done) return done.error();
  region->protect();

  auto view = SnapshotView::open(region->bytes());
  if (!view) return Error{view.error().code, called + ": " + view.error().text};
  if (auto whole = view->verify_checksum(); !whole) return Error{whole.error().code, called + ": " + whole.error().text};
  return MappedSnapshot{std::make_shared<const Mapping>(std::move(*region)), *view};
}

}  // namespace shmconf::reader
