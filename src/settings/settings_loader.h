// load_settings(): file, environment and flags into one validated struct, or every problem at once.
//
// Precedence, from the weakest: defaults, the file, CONSUL_* variables, SHMCONF_* variables, flags.
// A list of sources, and the token with its file, are replaced as a whole by a stronger layer.
// A variable that is set but empty counts as not set.
//
// Stateless; thread-safe as long as the environment's lookup is. Blocks while it reads files.
#ifndef SHMCONF_SETTINGS_SETTINGS_LOADER_H_
#define SHMCONF_SETTINGS_SETTINGS_LOADER_H_

#include <string>
#include <variant>
#include <vector>

#include "settings/complaint.h"
#include "settings/places.h"
#include "settings/settings.h"

namespace shmconf::settings {

struct FlagValue {
  std::string flag;   // with its dashes, as in field_table()
  std::string value;  // "true" for a switch that stands alone

  bool operator==(const FlagValue&) const = default;
};

// What the command line said about settings, in its order. Kept by whoever loads them again.
struct Flags {
  std::string config_file;  // --config; empty: $SHMCONF_CONFIG, else no file
  std::vector<FlagValue> values;

  bool operator==(const Flags&) const = default;
};

// The same as arguments for another process of this program.
std::vector<std::string> to_arguments(const Flags& flags);

enum class Scope {
  kSidecar,   // a name and at least one source are needed
  kServer,    // a name and an address to serve at are needed; secrets are not looked at outside the file
  kReader,    // a name is needed; what only the sidecar uses is not looked at outside the file
  kAnything,  // neither is needed
};

using Loaded = std::variant<Settings, std::vector<Problem>>;

// Valid settings, or at least one problem, each with its place and a hint. Relative paths become
// absolute, since other processes get them too.
Loaded load_settings(const Flags& flags, const Environment& environment, Scope scope);

// The same as a Result, all problems in one error of code kInvalid.
Result<Settings> settings_from(const Flags& flags, const Environment& environment, Scope scope);

// Names of the variables that hold a secret: a child that is not the sidecar must not inherit them.
std::vector<std::string> secret_variables();

// Names of all variables that load_settings() looks at: a child that is handed finished settings
// (settings_text.h) must not inherit them.
std::vector<std::string> setting_variables();

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_SETTINGS_LOADER_H_
