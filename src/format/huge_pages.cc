#include "format/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace shmconf {

// Only from Linux 6.7 on does mmap(2) align by itself, and no file of a tmpfs that was mounted without huge=.
void* huge_page_address(std::size_t bytes) noexcept {
  if (bytes < kHugePageBytes) return nullptr;
  const std::size_t room = bytes + kHugePageBytes;
  void* const free = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (free == MAP_FAILED) return nullptr;
  ::munmap(free, room);
  const auto behind_boundary = reinterpret_cast<std::uintptr_t>(free) % kHugePageBytes;
  return static_cast<char*>(free) + (behind_boundary == 0 ? 0 : kHugePageBytes - behind_boundary);
}

}  // namespace shmconf
