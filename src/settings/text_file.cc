#include "settings/text_file.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "env/fd.h"

namespace shmconf::settings {
namespace {

Error reason(int errno_value) {
  ErrorCode code = ErrorCode::kSystem;
  if (errno_value == ENOENT || errno_value == ENOTDIR) code = ErrorCode::kAbsent;
  if (errno_value == EACCES || errno_value == EPERM) code = ErrorCode::kDenied;
  if (errno_value == EISDIR) code = ErrorCode::kInvalid;
  return Error{code, std::generic_category().message(errno_value)};
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t limit_bytes) {
  const env::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return reason(errno);
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (true) {
    const ssize_t count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return reason(errno);
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > limit_bytes) {
      return Error{ErrorCode::kInvalid, "more than " + std::to_string(limit_bytes) + " bytes"};
    }
  }
}

}  // namespace shmconf::settings
