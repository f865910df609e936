// What the readers' tools print: buffered bytes on stdout, one-line complaints on stderr, and the
// escapes that keep one key on one line.
//
// Not thread-safe. Nothing here throws; writing blocks as the descriptor does.
#ifndef SHMCONF_CLI_CONSOLE_H_
#define SHMCONF_CLI_CONSOLE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "shmconf/result.h"

namespace shmconf::cli {

// Bytes on their way to a descriptor, which stays the caller's and open. Written when 64 KiB have
// gathered and by finish(); what has not been finished by then is lost.
class Output {
 public:
  explicit Output(int fd = 1) : fd_(fd) {}

  Output& operator<<(std::string_view bytes);

  // Writes what is left. Error: kSystem or kNoSpace, of the first write that failed, now or before.
  Result<void> finish();

 private:
  void write_buffer();

  int fd_;
  int failed_errno_ = 0;
  std::string buffer_;
};

// The bytes on one line, without anything that a terminal would obey: control characters and bytes
// that are not UTF-8 become \xNN (\n, \r and \t by name), a backslash becomes two. `also`, when
// given, is escaped like a control character.
std::string escaped(std::string_view bytes, char also = '\0');

// "1 key", "2 keys".
std::string counted(std::uint64_t count, std::string_view what);

// Prints "shmconf COMMAND: text" as one line on stderr.
void complain(std::string_view command, std::string_view text);

// complain(), and the exit code that stands for the error's kind.
int fail(std::string_view command, const Error& error);

// The command's code, unless what it printed could not be written.
int finish(std::string_view command, Output& output, int code);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_CONSOLE_H_
