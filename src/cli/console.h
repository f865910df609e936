// What the readers' tools print: buffered bytes on stdout, and one-line complaints on stderr.
//
// Not thread-safe. Nothing here throws; writing blocks as the descriptor does.
#ifndef SHMCONF_CLI_CONSOLE_H_
#define SHMCONF_CLI_CONSOLE_H_

#include <string>
#include <string_view>

#include "display/text.h"
#include "shmconf/result.h"

namespace shmconf::cli {

using display::counted;
using display::escaped;

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

// Prints "shmconf COMMAND: text" as one line on stderr.
void complain(std::string_view command, std::string_view text);

// complain(), and the exit code that stands for the error's kind.
int fail(std::string_view command, const Error& error);

// The command's code, unless what it printed could not be written.
int finish(std::string_view command, Output& output, int code);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_CONSOLE_H_
