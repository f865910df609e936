#include "consul/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "env/large_allocator.h"

namespace shmconf::consul {
namespace {

// From here on a buffer is a map of its own. Below, the heap keeps what was freed for the next answer,
// which spares that one the page faults.
constexpr std::size_t kMapFromBytes = kHugePageBytes;
constexpr std::size_t kSmallestBytes = std::size_t{4} << 10;

Error no_space(std::size_t bytes) {
  return {ErrorCode::kNoSpace, "no memory for " + std::to_string(bytes) +
                                   " bytes of Consul's answer: raise the memory limit or narrow the prefix"};
}

}  // namespace

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

std::size_t Buffer::room() const noexcept { return data_ == nullptr ? 0 : capacity_ - kPaddingBytes - size_; }

Result<void> Buffer::reserve(std::size_t bytes) {
  if (bytes > SIZE_MAX / 4) return no_space(bytes);
  if (data_ != nullptr && bytes <= room()) return {};
  if (!grow(std::max(kSmallestBytes, size_ + bytes + kPaddingBytes))) return no_space(size_ + bytes);
  return {};
}

Result<void> Buffer::append(std::string_view bytes) {
  if (bytes.size() > room()) {
    // Doubling a map costs address space only: pages that are never written do not exist.
    if (auto reserved = reserve(std::max(bytes.size(), size_ + kPaddingBytes)); !reserved) return reserved;
  }
  if (!bytes.empty()) std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return {};
}

void Buffer::commit(std::size_t bytes) noexcept {
  assert(bytes <= room());
  size_ += bytes;
}

void Buffer::consume(std::size_t bytes) noexcept {
  assert(bytes <= size_);
  size_ -= bytes;
  if (size_ != 0) std::memmove(data_, data_ + bytes, size_);
}

bool Buffer::grow(std::size_t capacity) noexcept {
  if (capacity < kMapFromBytes) {
    void* grown = std::realloc(data_, capacity);
    if (grown == nullptr) return false;
    data_ = static_cast<char*>(grown);
    capacity_ = capacity;
    return true;
  }
  const bool mapped = capacity_ >= kMapFromBytes;
  void* grown = mapped ? ::mremap(data_, capacity_, capacity, MREMAP_MAYMOVE) : env::map_memory(capacity);
  if (grown == nullptr || grown == MAP_FAILED) return false;
  if (!mapped && data_ != nullptr) {
    std::memcpy(grown, data_, size_);
    std::free(data_);
  }
  data_ = static_cast<char*>(grown);
  capacity_ = capacity;
  return true;
}

void Buffer::release() noexcept {
  if (capacity_ >= kMapFromBytes) {
    env::unmap_memory(data_, capacity_);
  } else {
    std::free(data_);
  }
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

}  // namespace shmconf::consul
