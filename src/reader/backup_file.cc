#include "reader/backup_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "reader/snapshot_copy.h"

namespace shmconf::reader {
namespace {

Result<void> check_owner(const struct stat& info, const std::string& file, const AllowedOwner& owner) {
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::kDenied, "the backup '" + file + "' is not a regular file"};
  }
  if ((info.st_mode & 022) != 0) {
    return Error{ErrorCode::kDenied, "the backup '" + file + "' is writable by others: chmod go-w it"};
  }
  const bool allowed =
      owner.anybody || info.st_uid == 0 || info.st_uid == ::geteuid() || info.st_uid == owner.also;
  if (allowed) return {};
  return Error{ErrorCode::kDenied, "the backup '" + file + "' belongs to uid " + std::to_string(info.st_uid) +
                                       ": name it, if you trust that user"};
}

}  // namespace

Result<MappedSnapshot> read_backup(const std::string& file, const AllowedOwner& owner) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!opened.valid()) return system_error(errno, "open the backup", file);
  struct stat info;
  if (::fstat(opened.get(), &info) != 0) return system_error(errno, "look at the backup", file);
  if (auto allowed = check_owner(info, file, owner); !allowed) return allowed.error();
  const std::string called = "the backup '" + file + "'";
  auto copy = copy_snapshot(opened.get(), static_cast<std::uint64_t>(info.st_size), called);
  if (!copy) return copy;
  if (auto sound = copy->view.verify(); !sound) {
    return Error{sound.error().code, called + ": " + sound.error().text};
  }
  return copy;
}

}  // namespace shmconf::reader
