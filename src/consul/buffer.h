// Buffer: growing memory for the bytes of an answer.
//
// Move-only; not thread-safe. Its address is stable until it grows, moves included. Large buffers are maps
// of their own: they grow without a second copy of their content in memory, and go back to the kernel
// when the buffer ends.
#ifndef SHMCONF_CONSUL_BUFFER_H_
#define SHMCONF_CONSUL_BUFFER_H_

#include <cstddef>
#include <string_view>
#include <utility>

#include "shmconf/result.h"

namespace shmconf::consul {

class Buffer {
 public:
  // Bytes behind the content that may always be read, and written: what stands there is not defined.
  static constexpr std::size_t kPaddingBytes = 64;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Null until something was reserved.
  [[nodiscard]] char* data() noexcept { return data_; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
  // Bytes that can be added without growing.
  [[nodiscard]] std::size_t room() const noexcept;

  // Makes room for so many bytes beside the content, without touching the memory. Fails with kNoSpace.
  Result<void> reserve(std::size_t bytes);
  // Fails with kNoSpace.
  Result<void> append(std::string_view bytes);
  // Counts bytes that were written behind the content as content. Requires room for them.
  void commit(std::size_t bytes) noexcept;
  // Takes the first bytes away; the others move to the front.
  void consume(std::size_t bytes) noexcept;

 private:
  bool grow(std::size_t capacity) noexcept;
  void release() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_BUFFER_H_
