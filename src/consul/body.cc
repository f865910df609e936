#include "consul/body.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace shmconf::consul {
namespace {

// From here on a buffer is a map of its own. malloc would do so at first too, but after one large
// buffer was freed it keeps the next ones in its heap, and the heap keeps their pages.
constexpr std::size_t kMapFromBytes = std::size_t{256} << 10;
constexpr std::size_t kHugePagesFromBytes = std::size_t{4} << 20;
constexpr std::size_t kSmallestBytes = std::size_t{4} << 10;

Error no_space(std::size_t bytes) {
  return {ErrorCode::kNoSpace, "no memory for " + std::to_string(bytes) +
                                   " bytes of Consul's answer: raise the memory limit or narrow the prefix"};
}

}  // namespace

Body& Body::operator=(Body&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

Result<Body> Body::copy_of(std::string_view text) {
  Body body;
  if (auto appended = body.append(text); !appended) return std::move(appended).error();
  return body;
}

Result<void> Body::reserve(std::size_t bytes) {
  if (bytes > SIZE_MAX / 4) return no_space(bytes);
  if (data_ != nullptr && bytes + kPaddingBytes <= capacity_) return {};
  if (!grow(std::max(kSmallestBytes, bytes + kPaddingBytes))) return no_space(bytes);
  std::memset(data_ + size_, 0, kPaddingBytes);
  return {};
}

Result<std::span<char>> Body::prepare(std::size_t bytes) {
  const std::size_t needed = size_ + bytes;
  if (data_ == nullptr || needed + kPaddingBytes > capacity_) {
    // Doubling a map costs address space only: pages that are never written do not exist.
    if (auto reserved = reserve(std::max(needed, capacity_ * 2)); !reserved) {
      return std::move(reserved).error();
    }
  }
  return std::span<char>(data_ + size_, bytes);
}

void Body::commit(std::size_t bytes) noexcept {
  assert(size_ + bytes + kPaddingBytes <= capacity_);
  size_ += bytes;
  std::memset(data_ + size_, 0, kPaddingBytes);
}

Result<void> Body::append(std::string_view bytes) {
  auto space = prepare(bytes.size());
  if (!space) return std::move(space).error();
  if (!bytes.empty()) std::memcpy(space->data(), bytes.data(), bytes.size());
  commit(bytes.size());
  return {};
}

void Body::forget(std::size_t from, std::size_t to) noexcept { give_back(from, std::min(to, size_)); }

void Body::shrink(std::size_t bytes) noexcept {
  assert(bytes <= size_);
  size_ = bytes;
  if (data_ == nullptr) return;
  std::memset(data_ + size_, 0, kPaddingBytes);
  give_back(size_ + kPaddingBytes, capacity_);
}

void Body::give_back(std::size_t from, std::size_t to) noexcept {
  if (capacity_ < kMapFromBytes) return;
  // The kernel's pages, since it gives back whole ones: half of a larger one may still be needed.
  static const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  from = (from + page_bytes - 1) / page_bytes * page_bytes;  // of a map, which begins with a page
  to = to / page_bytes * page_bytes;
  if (from < to) ::madvise(data_ + from, to - from, MADV_DONTNEED);
}

bool Body::grow(std::size_t capacity) noexcept {
  const bool mapped = capacity_ >= kMapFromBytes;
  if (capacity < kMapFromBytes) {
    void* grown = std::realloc(data_, capacity);
    if (grown == nullptr) return false;
    data_ = static_cast<char*>(grown);
    capacity_ = capacity;
    return true;
  }
  void* grown = mapped ? ::mremap(data_, capacity_, capacity, MREMAP_MAYMOVE)
                       : ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                -1, 0);
  if (grown == MAP_FAILED) return false;
  if (!mapped && data_ != nullptr) {
    std::memcpy(grown, data_, size_);
    std::free(data_);
  }
  data_ = static_cast<char*>(grown);
  capacity_ = capacity;
  // A page fault for every 4 KiB costs about as much as decoding them. No matter if this fails.
  if (capacity_ >= kHugePagesFromBytes) ::madvise(data_, capacity_, MADV_HUGEPAGE);
  return true;
}

void Body::release() noexcept {
  if (capacity_ >= kMapFromBytes) {
    ::munmap(data_, capacity_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

}  // namespace shmconf::consul
