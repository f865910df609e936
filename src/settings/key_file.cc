#include "settings/key_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "env/env.h"
#include "env/fd.h"

namespace shmconf::settings {
namespace {

constexpr std::size_t kLargestBytes = 4096;

// The file's text, wiped with the object.
struct Text {
  Text() = default;
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() { ::explicit_bzero(bytes.data(), bytes.size()); }

  std::array<char, kLargestBytes + 1> bytes;
  std::size_t size = 0;
};

Error denied(const std::string& path, const std::string& why) {
  return Error{ErrorCode::kDenied, "the backup key file '" + path + "' " + why};
}

Error unusable(const std::string& path, const std::string& why) {
  return Error{ErrorCode::kInvalid,
               "the backup key file '" + path + "' " + why +
                   ": a key is a line of 64 hexadecimal digits, as `openssl rand -hex 32` prints it"};
}

Result<void> check_access(const struct stat& info, const std::string& path) {
  if (!S_ISREG(info.st_mode)) return denied(path, "is not a regular file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return denied(path, "belongs to uid " + std::to_string(info.st_uid) + ": chown it to the sidecar's user");
  }
  const mode_t allowed = info.st_uid == 0 && info.st_uid != ::geteuid() ? 0740 : 0700;
  if ((info.st_mode & 0777 & ~allowed) != 0) return denied(path, "is open to others: chmod 600 it");
  return {};
}

std::optional<unsigned char> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned char>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned char>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned char>(c - 'A' + 10);
  return std::nullopt;
}

bool parse_key(std::string_view line, SecretKey& key) {
  if (line.size() != 2 * SecretKey::kBytes) return false;
  for (std::size_t i = 0; i < SecretKey::kBytes; ++i) {
    const auto high = digit(line[2 * i]);
    const auto low = digit(line[2 * i + 1]);
    if (!high || !low) return false;
    key.bytes[i] = static_cast<unsigned char>(*high << 4 | *low);
  }
  return true;
}

}  // namespace

SecretKey::~SecretKey() { ::explicit_bzero(bytes.data(), bytes.size()); }

Result<std::vector<SecretKey>> read_key_file(const std::string& path) {
  // O_NONBLOCK: a FIFO in the file's place must not hold the process.
  const env::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.valid()) {
    const int error = errno;
    const std::string remedy = env::remedy(error);
    const std::string why = std::string("cannot be opened: ") + ::strerror(error);
    return remedy.empty() ? denied(path, why) : Error{ErrorCode::kSystem, "the backup key file '" + path + "' " + why + remedy};
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return denied(path, std::string("cannot be looked at: ") + ::strerror(errno));
  if (auto allowed = check_access(info, path); !allowed) return allowed.error();

  Text text;
  while (text.size < text.bytes.size()) {
    const ssize_t count = ::read(file.get(), text.bytes.data() + text.size, text.bytes.size() - text.size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return denied(path, std::string("cannot be read: ") + ::strerror(errno));
    if (count == 0) break;
    text.size += static_cast<std::size_t>(count);
  }
  if (text.size > kLargestBytes) return unusable(path, "is too large");

  std::vector<SecretKey> keys;
  std::string_view rest(text.bytes.data(), text.size);
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    SecretKey key;
    if (!parse_key(line, key)) return unusable(path, "has something else in line " + std::to_string(line_number));
    keys.push_back(key);
  }
  if (keys.empty()) return unusable(path, "is empty");
  return keys;
}

}  // namespace shmconf::settings
