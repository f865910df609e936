#include "settings/complaint.h"

#include <cstdio>

namespace shmconf::settings {

std::string to_string(const Problem& problem) {
  std::string line = problem.where + ": " + problem.text;
  if (!problem.hint.empty()) line += "; " + problem.hint;
  return line;
}

Error to_error(const Complaint& complaint) {
  return Error{ErrorCode::kInvalid, complaint.text + "; " + complaint.hint};
}

Error to_error(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += "; and ";
    text += to_string(problem);
  }
  return Error{ErrorCode::kInvalid, std::move(text)};
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string out = "'";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    // Bytes above 0x7f stay: they are most often UTF-8.
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    char escaped[5];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned>(byte));
    out += escaped;
  }
  if (text.size() > kLongest) out += "...";
  return out + "'";
}

}  // namespace shmconf::settings
