#include "supervisor/claim.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "settings/places.h"
#include "supervisor/holder.h"

namespace shmconf::supervisor {
namespace {

Result<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(64 * 1024);
  group entry{};
  group* found = nullptr;
  const int failed = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return entry.gr_gid;
  if (failed != 0) return env::system_error(failed, "look up group", name);
  return Error{ErrorCode::kInvalid, "there is no group '" + name + "': create it, or set another group"};
}

}  // namespace

Result<shm::Place> place_of(const settings::Settings& settings) {
  const auto root = settings::root_directory(settings, ::geteuid());
  shm::Place place{.root = root.path, .root_is_default = root.is_default, .name = settings.name, .group = {}};
  if (settings.group.empty()) return place;
  const auto group = group_id(settings.group);
  if (!group) return group.error();
  place.group = *group;
  return place;
}

Result<Claim> Claim::open(env::Env& env, const settings::Settings& settings, std::string_view command) {
  auto place = place_of(settings);
  if (!place) return place.error();
  auto segment = shm::Segment::attach(env, std::move(*place));
  if (!segment) return segment.error();
  Claim claim(std::move(*segment));
  if (auto tried = claim.try_again(env, command); !tried) return tried.error();
  return claim;
}

Result<void> Claim::try_again(env::Env& env, std::string_view command) {
  auto lock = segment_->try_lock(format::LockByte::kSupervisor);
  if (!lock) return lock.error();
  if (!lock->held()) return {};
  lock_ = std::move(*lock);
  name_holder(env, place(), command);
  return {};
}

}  // namespace shmconf::supervisor
