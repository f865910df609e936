#include "supervisor/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "env/fd.h"

namespace shmconf::supervisor {

void occupy_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free descriptor is taken, which is this one.
    static_cast<void>(::open("/dev/null", O_RDWR | O_CLOEXEC));
  }
}

std::vector<int> inheritable_descriptors() {
  std::vector<int> inherited;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir("/proc/self/fd"), &::closedir);
  if (!stream) return inherited;
  while (const dirent* entry = ::readdir(stream.get())) {
    int fd = -1;  // as "." and ".." leave it
    std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), fd);
    if (fd <= 2) continue;
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) inherited.push_back(fd);
  }
  return inherited;
}

void leave_to_command(const std::vector<int>& inherited) {
  for (const int fd : inherited) ::close(fd);
  const env::Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return;
  ::dup3(null.get(), 0, O_CLOEXEC);
  ::dup3(null.get(), 1, O_CLOEXEC);
}

}  // namespace shmconf::supervisor
