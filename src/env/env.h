// Env: the operating system as one interface, so that a test can wrap it, fail any one operation
// or move the clock, and check what survived.
//
// Every method is one step as the kernel sees it; sequences of steps live with their callers.
// Thread-safe: the POSIX environment holds no state. No method throws. Failures carry errno's
// meaning in ErrorCode (ENOSPC and ENOMEM: kNoSpace; EACCES, EPERM, ELOOP, ENOTDIR: kDenied;
// ENOENT: kAbsent; else kSystem) and name the operation and the file in their text.
#ifndef SHMCONF_ENV_ENV_H_
#define SHMCONF_ENV_ENV_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "env/fd.h"
#include "shmconf/result.h"

namespace shmconf::env {

struct FileInfo {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t mode = 0;  // st_mode: type and permissions
  uid_t owner = 0;
  gid_t group = 0;
  std::uint64_t links = 0;  // names that the file has; 0 once it was removed
};

class Env {
 public:
  virtual ~Env() = default;

  // The real one; lives for the whole process.
  static Env& posix();

  // --- clocks ---
  // Wall time since 1970-01-01 UTC; may jump.
  virtual std::chrono::nanoseconds wall_now() = 0;
  // CLOCK_BOOTTIME: moves through suspend, never backwards, equal in all processes of one boot.
  virtual std::chrono::nanoseconds boottime_now() = 0;
  virtual void sleep_for(std::chrono::nanoseconds duration) = 0;
  // Lets others that are ready run first.
  virtual void yield() = 0;
  // The kernel's boot id, 36 characters.
  virtual Result<std::string> boot_id() = 0;

  // --- directories ---
  // Opens an existing directory; a symlink in the last component is refused.
  virtual Result<Fd> open_directory(const std::string& path) = 0;
  virtual Result<Fd> open_directory_at(int dir, const std::string& name) = 0;
  virtual Result<void> make_directory(const std::string& path, mode_t mode) = 0;
  virtual Result<void> make_directory_at(int dir, const std::string& name, mode_t mode) = 0;
  virtual Result<void> remove_directory_at(int dir, const std::string& name) = 0;
  // Names in the directory, without "." and "..", unordered.
  virtual Result<std::vector<std::string>> list(int dir) = 0;

  // Bytes that are free for this user in the file system that holds the directory.
  virtual Result<std::uint64_t> free_bytes(int dir) = 0;

  // --- files ---
  // openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode).
  virtual Result<Fd> open_at(int dir, const std::string& name, int flags, mode_t mode = 0) = 0;
  virtual Result<FileInfo> info(int fd) = 0;
  // Does not follow a symlink.
  virtual Result<FileInfo> info_at(int dir, const std::string& name) = 0;
  // Reserves storage and sets the size, so that later stores into a map cannot fail for space.
  virtual Result<void> allocate(int fd, std::uint64_t bytes) = 0;
  virtual Result<void> truncate(int fd, std::uint64_t bytes) = 0;
  virtual Result<void> write_all(int fd, std::span<const std::byte> bytes) = 0;
  // The whole file from its beginning, in memory of little more than its size; more than limit_bytes is
  // kInvalid.
  virtual Result<std::vector<std::byte>> read_all(int fd, std::uint64_t limit_bytes) = 0;
  // Fixed-size records at a fixed place; fewer bytes than asked for is kDamaged.
  virtual Result<void> read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) = 0;
  virtual Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual Result<void> set_mode(int fd, mode_t mode) = 0;
  virtual Result<void> set_group(int fd, gid_t group) = 0;
  // Success also where the file system has nothing to sync.
  virtual Result<void> sync(int fd) = 0;
  virtual Result<void> rename_at(int dir, const std::string& from, const std::string& to) = 0;
  virtual Result<void> unlink_at(int dir, const std::string& name) = 0;
  // Called before a file is mapped; a wrapped environment refuses here as mmap would.
  virtual Result<void> before_map(std::uint64_t bytes) = 0;
  // Puts a mapped file of a tmpfs into huge pages, holes included. Requires a map that begins with one and of
  // each one some byte that is no hole. Failed, some of it may be in huge pages; its bytes are the same always.
  virtual Result<void> collapse(std::span<std::byte> bytes) = 0;

  // --- locks: open-file-description locks on one byte ---
  // Blocks until the byte is held exclusively by fd's open file description.
  virtual Result<void> lock_byte(int fd, std::uint64_t offset) = 0;
  // True: held now. False: another open file description holds it.
  virtual Result<bool> try_lock_byte(int fd, std::uint64_t offset) = 0;
  virtual void unlock_byte(int fd, std::uint64_t offset) = 0;

  // --- futex ---
  // Wakes every waiter on the low half of word, in all processes. Never FUTEX_PRIVATE.
  virtual void wake_all(std::atomic<std::uint64_t>& word) = 0;
};

// Maps errno of a failed call to an Error: "operation 'subject': strerror", and the remedy.
Error system_error(int errno_value, const std::string& operation, const std::string& subject);

// What to do where something ran out, as a clause to end a text with: "; raise ...". Else empty.
std::string remedy(int errno_value);

// For what std::bad_alloc interrupted.
Error out_of_memory(const std::string& operation);

}  // namespace shmconf::env

#endif  // SHMCONF_ENV_ENV_H_
