#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <thread>

#include "env/env.h"

namespace shmconf::env {
namespace {

constexpr int kOpenFlags = O_NOFOLLOW | O_CLOEXEC;

std::chrono::nanoseconds now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

FileInfo to_info(const struct stat& st) {
  return FileInfo{.device = st.st_dev,
                  .inode = st.st_ino,
                  .size_bytes = static_cast<std::uint64_t>(st.st_size),
                  .mode = st.st_mode,
                  .owner = st.st_uid,
                  .group = st.st_gid,
                  .links = st.st_nlink};
}

// Repeats call while a signal interrupts it.
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Result<void> checked(int result, const char* operation, const std::string& subject) {
  if (result < 0) return system_error(errno, operation, subject);
  return {};
}

Result<Fd> opened(int fd, const char* operation, const std::string& subject) {
  if (fd < 0) return system_error(errno, operation, subject);
  return Fd(fd);
}

std::string fd_name(int fd) { return "descriptor " + std::to_string(fd); }

struct flock byte_lock(short type, std::uint64_t offset) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(offset);
  lock.l_len = 1;
  return lock;
}

// Whether some processors are kept for tasks that nothing may interrupt (isolcpus=, nohz_full=). The kernel
// lists their numbers; without any, one file is empty and the other says "(null)".
bool has_isolated_processors() {
  for (const char* path : {"/sys/devices/system/cpu/isolated", "/sys/devices/system/cpu/nohz_full"}) {
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    char text[256];
    const ssize_t bytes = file.get() >= 0 ? ::read(file.get(), text, sizeof text) : 0;
    if (std::any_of(text, text + std::max<ssize_t>(bytes, 0), [](char c) { return c >= '0' && c <= '9'; })) return true;
  }
  return false;
}

class PosixEnv final : public Env {
 public:
  std::chrono::nanoseconds wall_now() override { return now(CLOCK_REALTIME); }
  std::chrono::nanoseconds boottime_now() override { return now(CLOCK_BOOTTIME); }
  void sleep_for(std::chrono::nanoseconds duration) override { std::this_thread::sleep_for(duration); }
  void yield() override { ::sched_yield(); }

  Result<std::string> boot_id() override {
    constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";
    auto fd = opened(retry([] { return ::open(kPath, O_RDONLY | O_CLOEXEC); }), "open", kPath);
    if (!fd) return fd.error();
    char text[36];
    if (::read(fd->get(), text, sizeof text) != sizeof text) return system_error(EIO, "read", kPath);
    return std::string(text, sizeof text);
  }

  Result<Fd> open_directory(const std::string& path) override {
    return opened(retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | kOpenFlags); }), "open directory",
                  path);
  }
  Result<Fd> open_directory_at(int dir, const std::string& name) override {
    return opened(retry([&] { return ::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | kOpenFlags); }),
                  "open directory", name);
  }
  Result<void> make_directory(const std::string& path, mode_t mode) override {
    return checked(::mkdir(path.c_str(), mode), "make directory", path);
  }
  Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) override {
    return checked(::mkdirat(dir, name.c_str(), mode), "make directory", name);
  }
  Result<void> remove_directory_at(int dir, const std::string& name) override {
    return checked(::unlinkat(dir, name.c_str(), AT_REMOVEDIR), "remove directory", name);
  }

  Result<std::vector<std::string>> list(int dir) override {
    Fd copy(::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!copy.valid()) return system_error(errno, "list directory", fd_name(dir));
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy.get()), &::closedir);
    if (!stream) return system_error(errno, "list directory", fd_name(dir));
    static_cast<void>(copy.release());  // the stream closes it
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    return names;
  }

  Result<std::uint64_t> free_bytes(int dir) override {
    struct statvfs info;
    if (retry([&] { return ::fstatvfs(dir, &info); }) != 0) return system_error(errno, "look at", "the file system");
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  Result<Fd> open_at(int dir, const std::string& name, int flags, mode_t mode) override {
    return opened(retry([&] { return ::openat(dir, name.c_str(), flags | kOpenFlags, mode); }), "open", name);
  }
  Result<FileInfo> info(int fd) override {
    struct stat st {};
    if (::fstat(fd, &st) < 0) return system_error(errno, "stat", fd_name(fd));
    return to_info(st);
  }
  Result<FileInfo> info_at(int dir, const std::string& name) override {
    struct stat st {};
    if (::fstatat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return system_error(errno, "stat", name);
    return to_info(st);
  }

  Result<void> allocate(int fd, std::uint64_t bytes) override {
    const auto size = static_cast<off_t>(bytes);
    const int result = retry([&] { return ::fallocate(fd, 0, 0, size); });
    if (result == 0) return {};
    // A file system without fallocate: glibc's posix_fallocate writes into every block instead.
    const int error = errno == EOPNOTSUPP ? ::posix_fallocate(fd, 0, size) : errno;
    if (error == 0) return {};
    return system_error(error, "allocate", std::to_string(bytes) + " bytes");
  }

  Result<void> truncate(int fd, std::uint64_t bytes) override {
    if (retry([&] { return ::ftruncate(fd, static_cast<off_t>(bytes)); }) == 0) return {};
    return system_error(errno, "truncate", "to " + std::to_string(bytes) + " bytes");
  }

  Result<void> write_all(int fd, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = retry([&] { return ::write(fd, bytes.data(), bytes.size()); });
      if (written < 0) return system_error(errno, "write", fd_name(fd));
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) override try {
    constexpr std::size_t kLeastStep = 64 * 1024;
    std::vector<std::byte> bytes;
    struct stat st {};
    if (::fstat(fd, &st) == 0 && st.st_size > 0) {
      const auto expected = static_cast<std::uint64_t>(st.st_size);
      // With room for the step that finds the end: growing would take the memory a second time.
      if (expected <= limit_bytes) bytes.reserve(expected + kLeastStep);
    }
    std::size_t used = 0;
    for (;;) {
      const std::size_t step = std::max(bytes.capacity() - used, kLeastStep);
      bytes.resize(used + step);
      const auto offset = static_cast<off_t>(used);
      const ssize_t got = retry([&] { return ::pread(fd, bytes.data() + used, step, offset); });
      if (got < 0) return system_error(errno, "read", fd_name(fd));
      used += static_cast<std::size_t>(got);
      if (used > limit_bytes) {
        return Error{ErrorCode::kInvalid, "the file is larger than " + std::to_string(limit_bytes) + " bytes"};
      }
      if (got == 0) break;
    }
    bytes.resize(used);
    return bytes;
  } catch (const std::bad_alloc&) {
    return out_of_memory("read " + fd_name(fd));
  }

  Result<void> read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) override {
    const ssize_t got = retry([&] { return ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (got < 0) return system_error(errno, "read", fd_name(fd));
    if (static_cast<std::size_t>(got) != bytes.size()) {
      return Error{ErrorCode::kDamaged, "the file ends at " + std::to_string(got) + " bytes behind " + std::to_string(offset)};
    }
    return {};
  }
  Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) override {
    const ssize_t put = retry([&] { return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (put < 0) return system_error(errno, "write", fd_name(fd));
    if (static_cast<std::size_t>(put) != bytes.size()) return system_error(ENOSPC, "write", fd_name(fd));
    return {};
  }

  Result<void> set_mode(int fd, mode_t mode) override { return checked(::fchmod(fd, mode), "set mode", fd_name(fd)); }
  Result<void> set_group(int fd, gid_t group) override {
    return checked(::fchown(fd, static_cast<uid_t>(-1), group), "set group", fd_name(fd));
  }
  Result<void> sync(int fd) override {
    const int result = retry([&] { return ::fsync(fd); });
    // A file system without fsync (that of cgroups, proc or autofs) keeps nothing that it could write.
    if (result < 0 && errno == EINVAL) return {};
    return checked(result, "sync", fd_name(fd));
  }
  Result<void> rename_at(int dir, const std::string& from, const std::string& to) override {
    return checked(::renameat(dir, from.c_str(), dir, to.c_str()), "rename", from + "' to '" + to);
  }
  Result<void> unlink_at(int dir, const std::string& name) override {
    return checked(::unlinkat(dir, name.c_str(), 0), "remove", name);
  }
  Result<void> before_map(std::uint64_t) override { return {}; }
  Result<void> collapse(std::span<std::byte> bytes) override {
    // It waits until each processor has done some work of the kernel's (measured: for as long as a task of
    // SCHED_FIFO held one), which one that is isolated may never do.
    static const bool may_wait_for_ever = has_isolated_processors();
    if (may_wait_for_ever) return Error{ErrorCode::kUnavailable, "huge pages: some processors are isolated"};
#ifndef MADV_COLLAPSE
    constexpr int MADV_COLLAPSE = 25;  // Linux 6.1; refused before
#endif
    return checked(::madvise(bytes.data(), bytes.size(), MADV_COLLAPSE), "put into huge pages",
                   std::to_string(bytes.size()) + " bytes");
  }

  Result<void> lock_byte(int fd, std::uint64_t offset) override {
    struct flock lock = byte_lock(F_WRLCK, offset);
    return checked(retry([&] { return ::fcntl(fd, F_OFD_SETLKW, &lock); }), "lock", fd_name(fd));
  }
  Result<bool> try_lock_byte(int fd, std::uint64_t offset) override {
    struct flock lock = byte_lock(F_WRLCK, offset);
    if (retry([&] { return ::fcntl(fd, F_OFD_SETLK, &lock); }) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return system_error(errno, "lock", fd_name(fd));
  }
  void unlock_byte(int fd, std::uint64_t offset) override {
    struct flock lock = byte_lock(F_UNLCK, offset);
    ::fcntl(fd, F_OFD_SETLK, &lock);
  }

  void wake_all(std::atomic<std::uint64_t>& word) override {
    // On a little-endian machine the low half is the first four bytes.
    ::syscall(SYS_futex, static_cast<void*>(&word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
};

ErrorCode code_of(int errno_value) {
  switch (errno_value) {
    case ENOENT:
      return ErrorCode::kAbsent;
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENOTDIR:  // of O_DIRECTORY with O_NOFOLLOW, a symlink is none
    case EROFS:
      return ErrorCode::kDenied;
    case ENOSPC:
    case ENOMEM:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    default:
      return ErrorCode::kSystem;
  }
}

}  // namespace

Env& Env::posix() {
  static PosixEnv env;
  return env;
}

Error system_error(int errno_value, const std::string& operation, const std::string& subject) {
  char buffer[128];
  const char* reason = ::strerror_r(errno_value, buffer, sizeof buffer);
  const char* note = errno_value == ELOOP ? " (symlinks are not followed)" : "";
  return Error{code_of(errno_value), operation + " '" + subject + "': " + reason + note + remedy(errno_value)};
}

std::string remedy(int errno_value) {
  switch (errno_value) {
    case EMFILE:
      return "; raise the limit of open files (ulimit -n, LimitNOFILE=)";
    case ENFILE:
      return "; raise the machine's limit of open files (fs.file-max)";
    case ENOMEM:
      return "; free memory, or raise its limit (ulimit -v, LimitAS=, MemoryMax=)";
    case ENOSPC:
      return "; make room in its file system";
    case EDQUOT:
      return "; make room, or raise the quota";
    default:
      return {};
  }
}

Error out_of_memory(const std::string& operation) {
  return Error{ErrorCode::kNoSpace, operation + ": out of memory" + remedy(ENOMEM)};
}

}  // namespace shmconf::env
