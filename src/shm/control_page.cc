#include "shm/control_page.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "shm/group_access.h"

namespace shmconf::shm {
namespace {

using format::ControlPage;

bool is_sound(const ControlPage& page, const std::string& boot_id) {
  // Pairs with the release store in make_page(): behind it, every other field is there.
  return page.version.load(std::memory_order_acquire) == format::kControlVersion &&
         page.magic == format::kControlMagic && page.page_bytes == format::kControlPageBytes &&
         std::equal(page.boot_id.begin(), page.boot_id.end(), boot_id.begin(), boot_id.end()) &&
         page.generation.load(std::memory_order_acquire) != format::kRetired &&
         page.generation.load(std::memory_order_relaxed) >> 32 == page.created_wall_s;
}

}  // namespace

Result<AttachedPage> attach_page(env::Env& env, int directory, const std::string& boot_id) {
  AttachedPage attached;
  auto fd = env.open_at(directory, format::kControlFile, O_RDWR | O_NONBLOCK);
  if (!fd) {
    if (fd.error().code == ErrorCode::kAbsent) return attached;
    return fd.error();
  }
  auto info = env.info(fd->get());
  if (!info) return info.error();
  if (!S_ISREG(info->mode) || info->owner != ::geteuid()) {
    return Error{ErrorCode::kDenied, "the control page is not a regular file of yours: remove it"};
  }
  if ((info->mode & 022) != 0) return Error{ErrorCode::kDenied, "the control page is writable by others: remove it"};
  if (info->links > 1) {
    return Error{ErrorCode::kDenied, "the control page is another file's second name, a hard link: remove it"};
  }
  attached.soundness = PageSoundness::kUnsound;
  if (info->size_bytes < format::kControlPageBytes) return attached;
  auto map = Mapping::map(env, fd->get(), format::kControlPageBytes, Access::kReadWrite);
  if (!map) return map.error();
  attached.map = std::move(*map);
  attached.file = std::move(*fd);
  const auto& page = *reinterpret_cast<const ControlPage*>(attached.map.bytes().data());
  if (info->size_bytes == format::kControlPageBytes && is_sound(page, boot_id)) {
    attached.soundness = PageSoundness::kSound;
  } else if (page.created_wall_s < UINT32_MAX - 1) {
    attached.newest_creation_s = page.created_wall_s;
  }
  return attached;
}

Result<AttachedPage> make_page(env::Env& env, int directory, mode_t mode, std::optional<gid_t> group,
                               const std::string& boot_id, std::uint64_t created_wall_s) {
  // One that a killed maker left; there may be none.
  if (auto removed = env.unlink_at(directory, kPageDraftFile); !removed && removed.error().code != ErrorCode::kAbsent) {
    return removed.error();
  }
  auto fd = env.open_at(directory, kPageDraftFile, O_RDWR | O_CREAT | O_EXCL, mode);
  if (!fd) return fd.error();
  if (auto given = give_to_group(env, fd->get(), group, mode); !given) return given.error();
  if (auto sized = env.allocate(fd->get(), format::kControlPageBytes); !sized) return sized.error();
  auto map = Mapping::map(env, fd->get(), format::kControlPageBytes, Access::kReadWrite);
  if (!map) return map.error();
  auto* page = new (map->bytes().data()) ControlPage();
  page->magic = format::kControlMagic;
  page->page_bytes = format::kControlPageBytes;
  std::copy_n(boot_id.begin(), std::min(boot_id.size(), page->boot_id.size()), page->boot_id.begin());
  page->snapshot_version = format::kSnapshotVersion;
  page->created_wall_s = created_wall_s;
  page->generation.store(created_wall_s << 32, std::memory_order_relaxed);
  page->version.store(format::kControlVersion, std::memory_order_release);
  if (auto renamed = env.rename_at(directory, kPageDraftFile, format::kControlFile); !renamed) return renamed.error();
  AttachedPage made;
  made.soundness = PageSoundness::kSound;
  made.map = std::move(*map);
  made.file = std::move(*fd);
  return made;
}

void retire_page(env::Env& env, Mapping& map) {
  auto& page = *reinterpret_cast<ControlPage*>(map.bytes().data());
  page.generation.store(format::kRetired, std::memory_order_release);
  wake_page(env, page);
}

void wake_page(env::Env& env, ControlPage& page) { env.wake_all(page.generation); }

}  // namespace shmconf::shm
