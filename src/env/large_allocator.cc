#include "env/large_allocator.h"

#include <sys/mman.h>

namespace shmconf::env {

void* map_memory(std::size_t bytes) noexcept {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* const base = ::mmap(huge_page_address(bytes), bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  if (bytes >= kHugePageBytes) ::madvise(base, bytes, MADV_HUGEPAGE);  // no matter if this fails
  return base;
}

void unmap_memory(void* base, std::size_t bytes) noexcept { ::munmap(base, bytes); }

}  // namespace shmconf::env
