#include "consul/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "env/env.h"
#include "env/fd.h"

namespace shmconf::consul {
namespace {

constexpr off_t kLargestBytes = 4096;

Error failed(const std::string& path, int error) {
  const std::string remedy = env::remedy(error);
  if (!remedy.empty()) return {ErrorCode::kSystem, "token file '" + path + "': " + std::strerror(error) + remedy};
  const bool denied = error == EACCES || error == EPERM || error == ELOOP;
  return {denied ? ErrorCode::kDenied : ErrorCode::kInvalid,
          "token file '" + path + "': " + std::strerror(error) +
              "; make it readable or change consul.token_file"};
}

Error unusable(const std::string& path, const std::string& why) {
  return {ErrorCode::kInvalid, "token file '" + path + "' " + why + "; it has to hold one ACL token"};
}

}  // namespace

bool is_token(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Result<std::string> TokenFile::current() {
  auto done = read();
  trouble_.clear();
  if (done) return token_;
  if (token_.empty()) return std::move(done).error();
  trouble_ = std::move(done).error().text;
  return token_;
}

Result<void> TokenFile::read() {
  // O_NONBLOCK: a FIFO in the file's place must not hold the process.
  const env::Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failed(path_, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failed(path_, errno);
  if (!S_ISREG(info.st_mode)) return unusable(path_, "is not a file");
  const Identity identity{info.st_dev, info.st_ino, info.st_size,
                          std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
  if (identity == read_as_) return {};
  if (info.st_size > kLargestBytes) return unusable(path_, "is too large");

  char bytes[kLargestBytes];
  std::string text;
  for (;;) {
    const ssize_t got = ::read(file.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path_, errno);
    if (got == 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > static_cast<std::size_t>(kLargestBytes)) return unusable(path_, "is too large");
  }
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  text = first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
  if (text.empty()) return unusable(path_, "is empty");
  if (!is_token(text)) return unusable(path_, "holds characters that no token has");
  token_ = text;
  read_as_ = identity;
  return {};
}

}  // namespace shmconf::consul
