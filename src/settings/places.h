// Where a service's segment and its backup live when nothing says otherwise.
//
// Pure functions of their arguments; thread-safe.
#ifndef SHMCONF_SETTINGS_PLACES_H_
#define SHMCONF_SETTINGS_PLACES_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::settings {

// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// This process's own; the lookup must not race with setenv.
Environment process_environment();

struct Root {
  std::string path;
  bool is_default = true;  // then it must belong to the effective user
};

// The root directory of all names: settings.directory, which load_settings() took from --dir,
// $SHMCONF_DIR or the file, else /dev/shm/shmconf-<uid>.
Root root_directory(const Settings& settings, uid_t user);

// settings.backup_file, else <name>.snapshot in $STATE_DIRECTORY (the first of its list), else for
// root in /var/lib/shmconf, else in $XDG_STATE_HOME/shmconf or $HOME/.local/state/shmconf.
// kInvalid when none of these is to be had. Creates nothing.
Result<std::string> backup_file(const Settings& settings, uid_t user, const Environment& environment);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_PLACES_H_
