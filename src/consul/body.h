// Body: the growing buffer that one answer is read into and decoded in.
//
// Move-only; not thread-safe. Its address is stable from the last growth on, moves included, so that
// decoded keys and values are views into it. Large buffers are maps of their own: they grow without
// a second copy of their content in memory, and go back to the kernel when the body ends.
#ifndef SHMCONF_CONSUL_BODY_H_
#define SHMCONF_CONSUL_BODY_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "shmconf/result.h"

namespace shmconf::consul {

class Body {
 public:
  // Zero bytes that always follow the content: a decoder may look this far without a bounds check,
  // and meets a byte that ends every token.
  static constexpr std::size_t kPaddingBytes = 64;

  Body() = default;
  Body(Body&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Body& operator=(Body&& other) noexcept;
  ~Body() { release(); }

  // A body that holds a copy of text. Fails with kNoSpace.
  static Result<Body> copy_of(std::string_view text);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // Null until something was prepared or reserved.
  [[nodiscard]] char* data() noexcept { return data_; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }

  // Makes room for bytes in all, without touching the memory. Fails with kNoSpace.
  Result<void> reserve(std::size_t bytes);
  // At least bytes of writable space behind the content; valid until the next call. Fails with kNoSpace.
  Result<std::span<char>> prepare(std::size_t bytes);
  // Counts the first bytes of the prepared space as content. Requires them to have been prepared.
  void commit(std::size_t bytes) noexcept;
  Result<void> append(std::string_view bytes);
  // The content's bytes from here to there are not needed any more: they may read as zeros from now on,
  // and large ones go back to the kernel. They can be written again.
  void forget(std::size_t from, std::size_t to) noexcept;
  // Keeps the first bytes of the content only, where they are, and none of the memory behind them.
  void shrink(std::size_t bytes) noexcept;

 private:
  bool grow(std::size_t capacity) noexcept;
  void give_back(std::size_t from, std::size_t to) noexcept;
  void release() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;  // padding included
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_BODY_H_
