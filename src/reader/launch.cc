#include "shmconf/launch.h"

#include <memory>
#include <optional>
#include <utility>

#include "reader/file_place.h"
#include "reader/launcher.h"
#include "reader/locate.h"
#include "reader/users.h"

namespace shmconf {
namespace {

// What a launched Reader shares with its copies: the lock lives as long as the place does.
struct LaunchedPlace {
  reader::Users users;
  reader::FilePlace place;
};

// Where the settings put the root only the launcher knows, which also makes it. So the lock is taken
// where it should be; and if the launcher says that it is elsewhere, there.
constexpr int kRounds = 3;

}  // namespace

Result<Reader> launch(std::string_view name, const LaunchOptions& options) {
  OpenOptions open_options{.directory = options.directory, .backup_file = options.backup_file};
  auto location = reader::locate(name, open_options);
  if (!location) return location.error();
  for (int round = 0; round < kRounds; ++round) {
    // Before the launcher runs, so that the sidecar finds its user from its first moment on.
    auto users = reader::Users::join(*location);
    if (!users && users.error().code != ErrorCode::kAbsent) return users.error();
    auto root = reader::run_launcher(location->name, users ? location->root : "", options);
    if (!root) return root.error();
    if (*root != location->root) {
      location->root = *std::move(root);
      location->root_is_default = false;
    } else if (users) {  // else it was not there, and is now
      auto launched = std::make_shared<LaunchedPlace>(LaunchedPlace{
          std::move(*users), reader::FilePlace(std::move(*location), options.backup_file)});
      std::shared_ptr<const reader::Place> place(launched, &launched->place);
      return reader::open_at(std::move(place), open_options);
    }
  }
  return Error{ErrorCode::kSystem, "the directory '" + location->root +
                                       "' came and went while the sidecar was started: try again"};
}

}  // namespace shmconf
