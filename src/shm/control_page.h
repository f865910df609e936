// Making, checking and retiring a control page. Free functions over a mapped page; callers hold the
// publish lock where a page is made or retired.
#ifndef SHMCONF_SHM_CONTROL_PAGE_H_
#define SHMCONF_SHM_CONTROL_PAGE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "env/env.h"
#include "shm/mapping.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf::shm {

// Where a page is made before it is renamed.
inline constexpr char kPageDraftFile[] = "control.tmp";

enum class PageSoundness : std::uint8_t { kSound, kAbsent, kUnsound };

struct AttachedPage {
  PageSoundness soundness = PageSoundness::kAbsent;
  Mapping map;                          // mapped also when unsound, if it has a page's size at least
  env::Fd file;                         // with the map
  std::uint64_t newest_creation_s = 0;  // of an unsound page, as far as it can be believed
};

// Maps <directory>/control.v1 for writing and judges it. Errors: kDenied (a symlink, not ours, another
// file's second name, or open to others' writing).
Result<AttachedPage> attach_page(env::Env& env, int directory, const std::string& boot_id);

// Makes a new page with its generation word at (creation time, 0) and renames it into place.
Result<AttachedPage> make_page(env::Env& env, int directory, mode_t mode, std::optional<gid_t> group,
                               const std::string& boot_id, std::uint64_t created_wall_s);

// Tells every reader of the page to look for another one.
void retire_page(env::Env& env, Mapping& map);

// Wakes every waiter on the page's generation word.
void wake_page(env::Env& env, format::ControlPage& page);

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_CONTROL_PAGE_H_
