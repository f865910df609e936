// Bytes that somebody else chose, as an error's text shows them: on one line, and not too long of it.
#ifndef SHMCONF_READER_SHOWN_H_
#define SHMCONF_READER_SHOWN_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace shmconf::reader {

inline constexpr std::size_t kMaxShownBytes = 200;

// In quotes; control characters as \xNN, so that none reaches a terminal or begins a new line of a log;
// "..." where it was cut.
inline std::string shown(std::string_view bytes, std::size_t max_bytes = kMaxShownBytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "'";
  for (const char c : bytes.substr(0, max_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      text += c;
    } else {
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text + (bytes.size() > max_bytes ? "...'" : "'");
}

// A path whole, as long as the kernel takes one.
inline std::string shown_path(std::string_view path) { return shown(path, 4096); }

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_SHOWN_H_
