// Words for people: the escapes that keep one key on one line, and counts.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_DISPLAY_TEXT_H_
#define SHMCONF_DISPLAY_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace shmconf::display {

// The bytes on one line, without anything that a terminal would obey: control characters and bytes
// that are not UTF-8 become \xNN (\n, \r and \t by name), a backslash becomes two. `also`, when
// given, is escaped like a control character.
std::string escaped(std::string_view bytes, char also = '\0');

// "1 key", "2 keys".
std::string counted(std::uint64_t count, std::string_view what);

}  // namespace shmconf::display

#endif  // SHMCONF_DISPLAY_TEXT_H_
