// Region: a stretch of mapped memory that unmaps itself. Move-only. Reading it from many threads is
// fine. Never throws.
#ifndef SHMCONF_READER_REGION_H_
#define SHMCONF_READER_REGION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "shmconf/result.h"

namespace shmconf::reader {

// What errno says of a failed operation on a path.
Error system_error(int errno_value, const std::string& operation, const std::string& path);

class Region {
 public:
  Region() = default;
  Region(Region&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Region& operator=(Region&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~Region();

  // The first bytes of a file, read-only and shared with its writers; in huge pages where the file is in some.
  // The file must have that size.
  // Errors: kNoSpace, kDenied, kSystem.
  static Result<Region> map_file(int fd, std::size_t size_bytes, const std::string& path);

  // Private memory, for writing until protect(). Errors: kNoSpace, kSystem.
  static Result<Region> allocate(std::size_t size_bytes);

  // From now on nobody writes to it, not even by mistake.
  void protect() noexcept;
  // Has these bytes at hand, so that reading them meets no page fault; as far as they are there.
  void populate(std::size_t offset, std::size_t bytes) const noexcept;
  // Keeps configuration, and the secrets in it, out of core files.
  void keep_out_of_dumps() const noexcept;

  // Gives memory back, bytes from the end, or all.
  void shrink(std::size_t bytes) noexcept;

  [[nodiscard]] bool empty() const noexcept { return base_ == nullptr; }
  [[nodiscard]] void* data() const noexcept { return base_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {static_cast<const std::byte*>(base_), size_bytes_};
  }

 private:
  Region(void* base, std::size_t size_bytes) noexcept : base_(base), size_bytes_(size_bytes) {}

  void* base_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  // Never closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_REGION_H_
