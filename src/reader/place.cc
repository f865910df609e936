#include "reader/place.h"

#include <algorithm>

namespace shmconf::reader {

thread_local Region* Mapping::catching_ = nullptr;

Result<void> check_page(const format::ControlPage& page, const std::string& boot_id) {
  // Pairs with the creator's release store of the version, its last: behind it, all else is there.
  const std::uint32_t version = page.version.load(std::memory_order_acquire);
  if (version == 0) return Error{ErrorCode::kNotReady, "the control page is being made: try again"};
  if (page.magic != format::kControlMagic) {
    return Error{ErrorCode::kDamaged,
                 "the control page does not begin like one of shmconf: restart the sidecar"};
  }
  if (version != format::kControlVersion || page.snapshot_version != format::kSnapshotVersion) {
    return Error{ErrorCode::kWrongVersion,
                 "the control page has format version " + std::to_string(version) + ", snapshots " +
                     std::to_string(page.snapshot_version) + ", this library reads version " +
                     std::to_string(format::kControlVersion) + " and " +
                     std::to_string(format::kSnapshotVersion) +
                     ": use the same release of shmconf on both sides"};
  }
  if (page.page_bytes != format::kControlPageBytes) {
    return Error{ErrorCode::kDamaged,
                 "the control page states another size than it has: restart the sidecar"};
  }
  const bool same_boot =
      std::equal(page.boot_id.begin(), page.boot_id.end(), boot_id.begin(), boot_id.end());
  if (!boot_id.empty() && !same_boot) {
    return Error{ErrorCode::kAbsent, "the segment was left from before this boot: start the sidecar"};
  }
  if (page.generation.load(std::memory_order_acquire) == format::kRetired) {
    return Error{ErrorCode::kAbsent, "the segment was given up: start the sidecar"};
  }
  return {};
}

}  // namespace shmconf::reader
