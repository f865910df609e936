#include "cli/styled_line.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <cwchar>

namespace shmconf::cli {
namespace {

constexpr std::string_view kEllipsis = "…";

// Makes this thread's functions for wide characters speak UTF-8, whatever the user's language is. Where
// the system lacks the locale, a character counts as one column.
class InUtf8 {
 public:
  InUtf8() : before_(::uselocale(utf8())) {}
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;
  ~InUtf8() { ::uselocale(before_); }

 private:
  static locale_t utf8() {
    static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return made;
  }
  locale_t before_;
};

struct Character {
  std::size_t bytes;
  std::size_t columns;
};

// The character that the text begins with. Requires InUtf8, and text that is not empty.
Character first_of(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, 1};
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const std::size_t bytes = std::min(length, text.size());
  wchar_t wide = 0;
  std::mbstate_t state{};
  if (std::mbrtowc(&wide, text.data(), bytes, &state) != bytes) return {bytes, 1};
  const int columns = ::wcwidth(wide);
  return {bytes, columns < 0 ? 1 : static_cast<std::size_t>(columns)};
}

// How many bytes of the text fit into the columns.
std::size_t bytes_within(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character next = first_of(text.substr(bytes));
    if (next.columns > columns) break;
    columns -= next.columns;
    bytes += next.bytes;
  }
  return bytes;
}

std::string_view sequence_of(Style style, bool colour) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kStrong: return "\x1b[1m";
    case Style::kFaint: return "\x1b[2m";
    case Style::kGood: return colour ? "\x1b[1;32m" : "\x1b[1m";
    case Style::kWarning: return colour ? "\x1b[1;33m" : "\x1b[1m";
    case Style::kBad: return colour ? "\x1b[1;31m" : "\x1b[1m";
  }
  return "";
}

}  // namespace

std::size_t width_of(std::string_view text) {
  const InUtf8 in_utf8;
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character next = first_of(text);
    columns += next.columns;
    text.remove_prefix(next.bytes);
  }
  return columns;
}

std::string cut(std::string_view text, std::size_t columns) {
  const InUtf8 in_utf8;
  if (bytes_within(text, columns) == text.size()) return std::string(text);
  if (columns == 0) return {};
  return std::string(text.substr(0, bytes_within(text, columns - 1))).append(kEllipsis);
}

std::string fitted(std::string_view text, std::size_t columns) {
  std::string made = cut(text, columns);
  return made.append(columns - width_of(made), ' ');
}

std::string painted(const StyledLine& line, std::size_t columns, bool colour) {
  std::string text;
  for (const Span& span : line) {
    const std::string shown = cut(span.text, columns);
    columns -= width_of(shown);
    const std::string_view sequence = sequence_of(span.style, colour);
    text.append(sequence).append(shown).append(sequence.empty() ? "" : "\x1b[0m");
  }
  return text;
}

}  // namespace shmconf::cli
