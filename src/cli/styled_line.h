// StyledLine: a line of a terminal, in pieces of one look each, and how many columns it takes.
//
// Plain values and pure functions; thread-safe. Text from outside is escaped() before it gets here.
#ifndef SHMCONF_CLI_STYLED_LINE_H_
#define SHMCONF_CLI_STYLED_LINE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shmconf::cli {

enum class Style : std::uint8_t { kPlain, kStrong, kFaint, kGood, kWarning, kBad };

struct Span {
  Style style;
  std::string text;
};
using StyledLine = std::vector<Span>;

// The columns that a terminal gives the text: two for a wide character, none for a combining one.
std::size_t width_of(std::string_view text);

// The text in `columns` columns at most; where it has more, its beginning and "…".
std::string cut(std::string_view text, std::size_t columns);

// The same, and filled up with spaces.
std::string fitted(std::string_view text, std::size_t columns);

// The line in `columns` columns at most, with the escape sequences (ECMA-48) of its looks. Without
// colour: bold and faint only.
std::string painted(const StyledLine& line, std::size_t columns, bool colour);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_STYLED_LINE_H_
