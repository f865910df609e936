// shmconf(1), from the table of commands and that of settings.
//
// Pure function; thread-safe.
#ifndef SHMCONF_MANUAL_COMMANDS_PAGE_H_
#define SHMCONF_MANUAL_COMMANDS_PAGE_H_

#include <string>

#include "manual/roff.h"

namespace shmconf::manual {

std::string commands_page(const Edition& edition);

}  // namespace shmconf::manual

#endif  // SHMCONF_MANUAL_COMMANDS_PAGE_H_
