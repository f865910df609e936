#include "cli/console.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "cli/exit_code.h"

namespace shmconf::cli {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;

}  // namespace

Output& Output::operator<<(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kBufferBytes) write_buffer();
  return *this;
}

void Output::write_buffer() {
  std::string_view left = buffer_;
  while (!left.empty() && failed_errno_ == 0) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      failed_errno_ = errno;
    }
  }
  buffer_.clear();
}

Result<void> Output::finish() {
  write_buffer();
  if (failed_errno_ == 0) return {};
  const ErrorCode code = failed_errno_ == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kSystem;
  return Error{code, std::string("the output could not be written: ") + std::strerror(failed_errno_)};
}

void complain(std::string_view command, std::string_view text) {
  std::string line = "shmconf ";
  line += command;
  line += ": ";
  line += text;
  line += '\n';
  Output error_output(2);
  error_output << line;
  // Nobody is left to tell when stderr itself is closed.
  (void)error_output.finish();
}

int fail(std::string_view command, const Error& error) {
  complain(command, error.text);
  return exit_code_of(error.code);
}

int finish(std::string_view command, Output& output, int code) {
  const Result<void> written = output.finish();
  return written ? code : fail(command, written.error());
}

}  // namespace shmconf::cli
