// TextArena: growing storage for many short texts whose addresses stay.
//
// Move-only; not thread-safe. The views it hands out live as long as it does, or until it is
// truncated to a mark that was taken before them.
#ifndef SHMCONF_SOURCES_TEXT_ARENA_H_
#define SHMCONF_SOURCES_TEXT_ARENA_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace shmconf::sources {

class TextArena {
 public:
  struct Mark {
    std::size_t blocks = 0;
    std::size_t used = 0;
  };

  // The parts joined.
  std::string_view add(std::initializer_list<std::string_view> parts) {
    std::size_t bytes = 0;
    for (const auto part : parts) bytes += part.size();
    if (blocks_.empty() || blocks_.back().size - used_ < bytes) {
      const std::size_t size = std::max(bytes, kBlockBytes);
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
      used_ = 0;
    }
    char* const begin = blocks_.back().bytes.get() + used_;
    char* at = begin;
    for (const auto part : parts) {
      if (!part.empty()) std::memcpy(at, part.data(), part.size());
      at += part.size();
    }
    used_ += bytes;
    return {begin, bytes};
  }

  [[nodiscard]] Mark mark() const { return {blocks_.size(), used_}; }
  void truncate(const Mark& mark) {
    blocks_.resize(mark.blocks);
    used_ = mark.used;
  }

 private:
  static constexpr std::size_t kBlockBytes = 16 * 1024;
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::size_t used_ = 0;  // of the last block
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_TEXT_ARENA_H_
