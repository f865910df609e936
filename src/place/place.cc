#include "place/place.h"

#include <grp.h>
#include <unistd.h>

#include <vector>

#include "env/env.h"
#include "settings/places.h"

namespace shmconf::place {

Result<shm::Place> place_of(const settings::Settings& settings) {
  const auto root = settings::root_directory(settings, ::geteuid());
  shm::Place place{.root = root.path, .root_is_default = root.is_default, .name = settings.name, .group = {}};
  if (settings.group.empty()) return place;
  std::vector<char> texts(64 * 1024);
  group entry{};
  group* found = nullptr;
  const int failed = ::getgrnam_r(settings.group.c_str(), &entry, texts.data(), texts.size(), &found);
  if (failed != 0) return env::system_error(failed, "look up group", settings.group);
  if (found == nullptr) {
    return Error{ErrorCode::kInvalid, "there is no group '" + settings.group + "': create it, or set another group"};
  }
  place.group = found->gr_gid;
  return place;
}

}  // namespace shmconf::place
