#include "display/text.h"

#include <cstddef>

namespace shmconf::display {
namespace {

unsigned char byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

bool continues(std::string_view bytes, std::size_t at) {
  return at < bytes.size() && (byte_at(bytes, at) & 0xc0) == 0x80;
}

// Length of the printable character that begins at `at`; 0 when there is none: a control character
// (C1 included, which terminals obey as well), or bytes that are not shortest-form UTF-8.
std::size_t printable_bytes(std::string_view bytes, std::size_t at) {
  const unsigned char first = byte_at(bytes, at);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  if (first < 0xc2 || first > 0xf4 || !continues(bytes, at + 1)) return 0;
  const unsigned char second = byte_at(bytes, at + 1);
  if (first < 0xe0) return first == 0xc2 && second < 0xa0 ? 0 : 2;
  if (!continues(bytes, at + 2)) return 0;
  if (first < 0xf0) {
    if (first == 0xe0 && second < 0xa0) return 0;  // overlong
    if (first == 0xed && second > 0x9f) return 0;  // a surrogate
    return 3;
  }
  if (!continues(bytes, at + 3)) return 0;
  if (first == 0xf0 && second < 0x90) return 0;  // overlong
  if (first == 0xf4 && second > 0x8f) return 0;  // beyond U+10FFFF
  return 4;
}

void append_escape(std::string& text, unsigned char byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (byte) {
    case '\n': text += "\\n"; return;
    case '\r': text += "\\r"; return;
    case '\t': text += "\\t"; return;
    default: break;
  }
  text += "\\x";
  text += kDigits[byte >> 4];
  text += kDigits[byte & 15];
}

}  // namespace

std::string escaped(std::string_view bytes, char also) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = printable_bytes(bytes, at);
    if (length == 0 || (also != '\0' && bytes[at] == also)) {
      append_escape(text, byte_at(bytes, at));
      ++at;
    } else {
      if (bytes[at] == '\\') text += '\\';
      text += bytes.substr(at, length);
      at += length;
    }
  }
  return text;
}

std::string counted(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace shmconf::display
