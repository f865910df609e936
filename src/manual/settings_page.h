// shmconf.json(5), from the commented reference of settings.
//
// Pure function; thread-safe.
#ifndef SHMCONF_MANUAL_SETTINGS_PAGE_H_
#define SHMCONF_MANUAL_SETTINGS_PAGE_H_

#include <string>
#include <string_view>

#include "manual/roff.h"
#include "shmconf/result.h"

namespace shmconf::manual {

// Reference: the text of config/shmconf.json, laid out as that is: a comment above its key, one key a
// line. kInvalid if a setting of the program is missing there, or has no comment, or is none.
Result<std::string> settings_page(std::string_view reference, const Edition& edition);

}  // namespace shmconf::manual

#endif  // SHMCONF_MANUAL_SETTINGS_PAGE_H_
