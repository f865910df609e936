// What is wrong with a setting, and what to write instead.
//
// Plain values and pure functions; thread-safe.
#ifndef SHMCONF_SETTINGS_COMPLAINT_H_
#define SHMCONF_SETTINGS_COMPLAINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "shmconf/result.h"

namespace shmconf::settings {

// About a value whose place is not known here. Neither part ever holds a secret.
struct Complaint {
  std::string text;
  std::string hint;
};

// A complaint and its place: a JSON path such as /consul/wait, the name of a variable or of a
// flag, or the file itself when it could not be read or parsed.
struct Problem {
  std::string where;
  std::string text;
  std::string hint;

  bool operator==(const Problem&) const = default;
};

// One line: "where: text; hint".
std::string to_string(const Problem& problem);

// kInvalid, for callers without a place to name.
Error to_error(const Complaint& complaint);

// All problems of one load as an Error of several lines' worth of text, joined by "; and ".
Error to_error(const std::vector<Problem>& problems);

// The text in single quotes, cut when long, unprintable bytes written as \xNN: fit for a message.
std::string in_quotes(std::string_view text);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_COMPLAINT_H_
