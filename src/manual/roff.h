// The markup of manual pages: man(7), as man-db and mandoc read it.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_MANUAL_ROFF_H_
#define SHMCONF_MANUAL_ROFF_H_

#include <string>
#include <string_view>

namespace shmconf::manual {

// The text as it stands, none of it taken for markup. Each line of it stays one.
std::string plain(std::string_view text);

// A paragraph: as plain(), with what stands between `backquotes` in bold, filled into lines.
std::string prose(std::string_view text);

std::string bold(std::string_view text);
std::string italic(std::string_view text);

// Lines that keep their breaks and spaces. Ends with a newline.
std::string literal(std::string_view lines);

// The head of a page. Edition: a date as 2026-11-21 and the program's version.
struct Edition {
  std::string date;
  std::string version;
};
std::string title(std::string_view name, int section, const Edition& edition);

}  // namespace shmconf::manual

#endif  // SHMCONF_MANUAL_ROFF_H_
