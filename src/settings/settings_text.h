// Settings written back as the JSON file that would yield them.
//
// Pure function; thread-safe.
#ifndef SHMCONF_SETTINGS_SETTINGS_TEXT_H_
#define SHMCONF_SETTINGS_SETTINGS_TEXT_H_

#include <string>

#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::settings {

// Every field, defaults included. Holds the secrets: hand it only through a descriptor or file that
// nobody else can read. kInvalid if a text is not UTF-8, which JSON cannot carry.
Result<std::string> to_json(const Settings& settings);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_SETTINGS_TEXT_H_
