// Where large memory is mapped, so that the kernel can serve it in huge pages: snapshots, by publisher and
// readers, and the sidecar's own lists. Thread-safe. Never throws.
#ifndef SHMCONF_FORMAT_HUGE_PAGES_H_
#define SHMCONF_FORMAT_HUGE_PAGES_H_

#include <cstddef>

namespace shmconf {

// Of x86-64, and of arm64 with pages of 4 KiB. With other pages the kernel's are larger, and a snapshot
// has none.
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// An address for mmap(2) to begin a map of so many bytes at, without MAP_FIXED: a huge page's, with as much
// free behind it. Null, which leaves the address to the kernel: the bytes are too few for a huge page, or
// there is no such address. It is reserved for nobody: a map that another thread is making may have taken it,
// then the kernel chooses another address and the map has 4 KiB pages.
void* huge_page_address(std::size_t bytes) noexcept;

}  // namespace shmconf

#endif  // SHMCONF_FORMAT_HUGE_PAGES_H_
