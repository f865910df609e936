// GuardedBytes: room for a copy of some bytes that ends at a page which nobody may touch, so that a
// read behind them is SIGSEGV. Under the address sanitizer, so is the byte before them and the rest of
// the last word.
//
// Not thread-safe. The copy begins at an 8-byte boundary and lives until the next hold().
#ifndef SHMCONF_TESTS_FUZZ_GUARDED_BYTES_H_
#define SHMCONF_TESTS_FUZZ_GUARDED_BYTES_H_

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__)
#define SHMCONF_FUZZ_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHMCONF_FUZZ_POISON 1
#endif
#endif
#ifdef SHMCONF_FUZZ_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace shmconf::fuzz {

class GuardedBytes {
 public:
  GuardedBytes() {
    constexpr std::size_t kPageBytes = 65536;  // the largest of any kernel
    void* const map = ::mmap(nullptr, kCapacityBytes + kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || ::mprotect(map, kCapacityBytes, PROT_READ | PROT_WRITE) != 0) std::abort();
    begin_ = static_cast<char*>(map);
    ASAN_POISON_MEMORY_REGION(begin_, kCapacityBytes);
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  // Static objects hold it: the kernel takes the map back.
  ~GuardedBytes() = default;

  // At most kCapacityBytes of them.
  std::span<const std::byte> hold(std::string_view bytes) {
    bytes = bytes.substr(0, kCapacityBytes);
    ASAN_POISON_MEMORY_REGION(begin_ + kCapacityBytes - held_, held_);
    held_ = (bytes.size() + 7) / 8 * 8;
    char* const at = begin_ + kCapacityBytes - held_;
    ASAN_UNPOISON_MEMORY_REGION(at, bytes.size());
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return {reinterpret_cast<const std::byte*>(at), bytes.size()};
  }

  static constexpr std::size_t kCapacityBytes = std::size_t{1} << 20;

 private:
  char* begin_ = nullptr;
  std::size_t held_ = 0;
};

}  // namespace shmconf::fuzz

#endif  // SHMCONF_TESTS_FUZZ_GUARDED_BYTES_H_
