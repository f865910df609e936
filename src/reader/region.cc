#include "reader/region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "format/huge_pages.h"
#include "reader/shown.h"

namespace shmconf::reader {
namespace {

const auto kPageBytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

}  // namespace

Error system_error(int errno_value, const std::string& operation, const std::string& path) {
  ErrorCode code = ErrorCode::kSystem;
  switch (errno_value) {
    case ENOENT:
      code = ErrorCode::kAbsent;
      break;
    case EACCES:
    case EPERM:
    case ELOOP:    // a symlink in the last place
    case ENOTDIR:  // likewise, where a directory was asked for
    case ENXIO:    // a socket
      code = ErrorCode::kDenied;
      break;
    case ENOMEM:
    case ENOSPC:
      code = ErrorCode::kNoSpace;
      break;
    default:
      break;
  }
  std::string text =
      "cannot " + operation + " " + shown_path(path) + ": " + std::generic_category().message(errno_value);
  if (errno_value == EMFILE) text += "; raise the limit of open files (ulimit -n)";
  if (errno_value == ENOMEM) text += "; free memory, or raise its limit (ulimit -v)";
  if (errno_value == ELOOP || errno_value == ENOTDIR) {
    text += " (symlinks are not followed: remove it, or name what it leads to)";
  }
  return Error{code, std::move(text)};
}

Region::~Region() { shrink(size_bytes_); }

void Region::shrink(std::size_t bytes) noexcept {
  if (base_ == nullptr) return;
  const std::size_t kept = bytes < size_bytes_ ? size_bytes_ - bytes : 0;
  // The page that the kept part ends in stays whole.
  const std::size_t kept_pages = (kept + kPageBytes - 1) / kPageBytes * kPageBytes;
  if (kept_pages < size_bytes_) ::munmap(static_cast<char*>(base_) + kept_pages, size_bytes_ - kept_pages);
  size_bytes_ = kept;
  if (kept == 0) base_ = nullptr;
}

Result<Region> Region::map_file(int fd, std::size_t size_bytes, const std::string& path) {
  void* base = ::mmap(huge_page_address(size_bytes), size_bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return system_error(errno, "map", path);
  return Region(base, size_bytes);
}

Result<Region> Region::allocate(std::size_t size_bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* base = ::mmap(huge_page_address(size_bytes), size_bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (base == MAP_FAILED) {
    return Error{ErrorCode::kNoSpace, "no memory for a copy of " + std::to_string(size_bytes) + " bytes"};
  }
  // Half of the copying is page faults otherwise. No matter if this fails.
  if (size_bytes >= kHugePageBytes) ::madvise(base, size_bytes, MADV_HUGEPAGE);
  return Region(base, size_bytes);
}

void Region::protect() noexcept { ::mprotect(base_, size_bytes_, PROT_READ); }

void Region::keep_out_of_dumps() const noexcept { ::madvise(base_, size_bytes_, MADV_DONTDUMP); }

void Region::populate(std::size_t offset, std::size_t bytes) const noexcept {
#ifndef MADV_POPULATE_READ
  constexpr int MADV_POPULATE_READ = 22;  // Linux 5.14; refused before
#endif
  // A read would be SIGBUS behind the end of a file that has become shorter; this is not.
  ::madvise(static_cast<char*>(base_) + offset, std::min(bytes, size_bytes_ - offset), MADV_POPULATE_READ);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace shmconf::reader
