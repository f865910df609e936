#include "reader/users.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

namespace shmconf::reader {
namespace {

// A sidecar that ends takes its processes five seconds at most.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kPause{5};

Error denied(const std::string& path, const std::string& why) {
  return Error{ErrorCode::kDenied, "'" + path + "' " + why};
}

Result<Descriptor> open_root(const Location& location) {
  Descriptor root(::open(location.root.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root.valid()) return system_error(errno, "open the directory", location.root);
  if (!location.root_is_default) return root;
  struct stat info;
  if (::fstat(root.get(), &info) != 0) return system_error(errno, "look at", location.root);
  if (info.st_uid != ::geteuid()) {
    return denied(location.root, "belongs to uid " + std::to_string(info.st_uid) + ", not to you (uid " +
                                     std::to_string(::geteuid()) + "): name another root directory");
  }
  if ((info.st_mode & 022) != 0) return denied(location.root, "is writable by others: chmod go-w it");
  return root;
}

}  // namespace

Result<Users> Users::join(const Location& location) {
  auto root = open_root(location);
  if (!root) return root.error();
  const std::string name = "." + location.name + ".users";
  const std::string path = location.root + "/" + name;
  constexpr int kFlags = O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const Descriptor lowest(::openat(root->get(), name.c_str(), kFlags, 0600));
  struct stat info;
  if (!lowest.valid()) {
    const int why = errno;
    const bool there = ::fstatat(root->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISREG(info.st_mode)) return denied(path, "is not a regular file: remove it");
    return system_error(why, "open", path);
  }
  // Where the service has closed its stderr, this must not become one: the sidecar would inherit it.
  Descriptor file(::fcntl(lowest.get(), F_DUPFD_CLOEXEC, 3));
  if (!file.valid()) return system_error(errno, "open", path);
  if (::fstat(file.get(), &info) != 0) return system_error(errno, "look at", path);
  if (!S_ISREG(info.st_mode)) return denied(path, "is not a regular file: remove it");
  // Its owner could hold it for ever, and the sidecar refuses it as well.
  if (info.st_uid != ::geteuid() && ::geteuid() != 0) {
    return denied(path, "belongs to uid " + std::to_string(info.st_uid) + ", not to you (uid " +
                            std::to_string(::geteuid()) + "): remove it, or name another root directory");
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return system_error(errno, "lock", path);
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error{ErrorCode::kTimeout, "the sidecar of '" + location.name + "' in '" + location.root +
                                            "' is ending and does not come to its end: look at its log, and "
                                            "kill the process that has '" + path + "' open"};
    }
    std::this_thread::sleep_for(kPause);
  }
  return Users(std::move(file));
}

}  // namespace shmconf::reader
