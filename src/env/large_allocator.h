// LargeAllocator: an allocator for containers that may grow to many megabytes and are written once.
//
// From the size of a huge page on, memory is a map of its own in huge pages where the kernel has them: a
// page fault for every 4 KiB costs more than what is written there, and all of it goes back to the kernel
// when the container ends. Below, it is the heap. Throws std::bad_alloc. Thread-safe.
#ifndef SHMCONF_ENV_LARGE_ALLOCATOR_H_
#define SHMCONF_ENV_LARGE_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>
#include <new>

#include "format/huge_pages.h"

namespace shmconf::env {

// Zeroed; from kHugePageBytes on in huge pages, where the kernel has them. Null without memory for it.
[[nodiscard]] void* map_memory(std::size_t bytes) noexcept;
// Requires what map_memory() gave, of that size.
void unmap_memory(void* base, std::size_t bytes) noexcept;

template <class T>
class LargeAllocator {
 public:
  using value_type = T;

  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): as containers need it

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kHugePageBytes) return static_cast<T*>(::operator new(bytes));
    void* const base = map_memory(bytes);
    if (base == nullptr) throw std::bad_alloc();
    return static_cast<T*>(base);
  }

  void deallocate(T* base, std::size_t count) noexcept {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kHugePageBytes) {
      ::operator delete(base);
    } else {
      unmap_memory(base, bytes);
    }
  }

  bool operator==(const LargeAllocator&) const noexcept { return true; }
};

}  // namespace shmconf::env

#endif  // SHMCONF_ENV_LARGE_ALLOCATOR_H_
