#include "fault/chaos/disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace shmconf::chaos {

Disk::~Disk() {
  if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
}

Result<void> Disk::mount(const std::string& size) {
  const std::string options = "mode=0700,size=" + size;
  if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    return Error{ErrorCode::kDenied, "cannot mount a tmpfs: " + std::string(::strerror(errno)) +
                                         "; run as root, or where user namespaces are allowed"};
  }
  mounted_ = true;
  return {};
}

void Disk::fill() {
  const std::string path = directory_ / "ballast";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct statvfs info;
  // Whoever uses the disk frees and takes some meanwhile: the last byte may need another attempt.
  for (int attempt = 0; attempt < 10 && ::fstatvfs(fd, &info) == 0 && info.f_bfree > 0; ++attempt) {
    const off_t before = ::lseek(fd, 0, SEEK_END);
    static_cast<void>(::fallocate(fd, 0, before, static_cast<off_t>(info.f_bfree * info.f_frsize)));
  }
  ::close(fd);
}

void Disk::free() { ::unlink((directory_ / "ballast").c_str()); }

}  // namespace shmconf::chaos
