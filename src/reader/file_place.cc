#include "reader/file_place.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "reader/backup_file.h"
#include "reader/registry.h"
#include "reader/shown.h"
#include "reader/snapshot_copy.h"

namespace shmconf::reader {
namespace {

// O_PATH: a directory that may be passed through, if not listed, is enough.
constexpr int kDirectoryFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// O_NONBLOCK: opening a FIFO must not wait for a writer.
constexpr int kFileFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
constexpr std::size_t kPageBytes = 4096;  // the least of any machine

Error denied(const std::string& path, const std::string& why) {
  return Error{ErrorCode::kDenied, shown_path(path) + " " + why};
}

Error not_regular(const std::string& path) { return denied(path, "is not a regular file: remove it"); }

Error foreign(const std::string& path, uid_t owner) {
  return denied(path, "belongs to uid " + std::to_string(owner) + ", not to you (uid " +
                          std::to_string(::geteuid()) + "): if you trust that user, name the root directory");
}

// A regular file that others cannot write; info: what fstat says of it.
Result<Descriptor> open_file(int directory, const char* name, const std::string& path, struct stat& info) {
  Descriptor file(::openat(directory, name, kFileFlags));
  if (!file.valid()) {
    const int why = errno;
    const bool there = ::fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) return not_regular(path);
    return system_error(why, "open", path);
  }
  if (::fstat(file.get(), &info) != 0) return system_error(errno, "look at", path);
  if (!S_ISREG(info.st_mode)) return not_regular(path);
  if ((info.st_mode & 022) != 0) return denied(path, "is writable by others: chmod go-w it");
  return file;
}

// A snapshot's file as it is, shared with whoever may write it.
Result<MappedSnapshot> map_snapshot(int fd, std::uint64_t size_bytes, const std::string& path) {
  if (size_bytes < format::kSnapshotHeaderBytes) {
    return Error{ErrorCode::kDamaged, "'" + path + "' is shorter than a snapshot's header"};
  }
  if (size_bytes > format::kMaxSnapshotBytes) {
    return Error{ErrorCode::kDamaged, "'" + path + "' is longer than any snapshot"};
  }
  auto region = Region::map_file(fd, static_cast<std::size_t>(size_bytes), path);
  if (!region) return region.error();
  region->keep_out_of_dumps();
  auto view = SnapshotView::open(region->bytes());
  if (!view) return Error{view.error().code, "'" + path + "': " + view.error().text};
  return MappedSnapshot{std::make_shared<const Mapping>(std::move(*region)), *view};
}

// What another reader of this process has mapped: ahead, maybe, when the file was longer.
Result<MappedSnapshot> snapshot_in(std::shared_ptr<const Mapping> mapping, const std::string& path) {
  const auto bytes = mapping->region().bytes();
  const std::uint64_t total_bytes = reinterpret_cast<const format::SnapshotHeader*>(bytes.data())->total_bytes;
  auto view = SnapshotView::open(total_bytes < bytes.size() ? bytes.first(total_bytes) : bytes);
  if (!view) return Error{view.error().code, "'" + path + "': " + view.error().text};
  return MappedSnapshot{std::move(mapping), *view};
}

// The kernel's boot id; empty where it cannot be read, as in a chroot without /proc.
std::string boot_id() {
  const Descriptor file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return "";
  std::array<char, 36> id;
  if (::read(file.get(), id.data(), id.size()) != static_cast<ssize_t>(id.size())) return "";
  return std::string(id.data(), id.size());
}

// What is on a tmpfs is of this boot, whatever the id says: systemd-nspawn shows the processes of its
// container an id of its own, except those whose unit gives them another /proc (ProtectKernelTunables=).
std::string boot_id_to_compare(int file) {
  struct statfs info;
  return ::fstatfs(file, &info) == 0 && info.f_type == TMPFS_MAGIC ? "" : boot_id();
}

}  // namespace

FilePlace::FilePlace(Location location, std::string backup_file, bool private_copy)
    : location_(std::move(location)),
      directory_(location_.root + (location_.root.ends_with('/') ? "" : "/") + location_.name),
      backup_file_(std::move(backup_file)),
      private_copy_(private_copy) {}

Result<Descriptor> FilePlace::open_directory(struct stat& info) const {
  Descriptor root(::open(location_.root.c_str(), kDirectoryFlags));
  if (!root.valid()) return system_error(errno, "open the directory", location_.root);
  if (location_.root_is_default) {
    if (::fstat(root.get(), &info) != 0) return system_error(errno, "look at", location_.root);
    if (info.st_uid != ::geteuid()) return foreign(location_.root, info.st_uid);
    if ((info.st_mode & 022) != 0) return denied(location_.root, "is writable by others: chmod go-w it");
  }
  Descriptor directory(::openat(root.get(), location_.name.c_str(), kDirectoryFlags));
  if (!directory.valid()) return system_error(errno, "open the directory", directory_);
  if (::fstat(directory.get(), &info) != 0) return system_error(errno, "look at", directory_);
  if (location_.root_is_default && info.st_uid != ::geteuid() && info.st_uid != 0) {
    return foreign(directory_, info.st_uid);
  }
  if ((info.st_mode & 022) != 0) return denied(directory_, "is writable by others: chmod go-w it");
  return directory;
}

Result<std::shared_ptr<const Page>> FilePlace::open_page() const {
  struct stat directory_info;
  auto directory = open_directory(directory_info);
  if (!directory) return directory.error();
  struct stat info;
  const std::string path = directory_ + "/" + format::kControlFile;
  auto file = open_file(directory->get(), format::kControlFile, path, info);
  if (!file) return file.error();
  if (info.st_uid != directory_info.st_uid) {
    return denied(path, "belongs to uid " + std::to_string(info.st_uid) + ", but its directory to uid " +
                            std::to_string(directory_info.st_uid) + ": remove it");
  }
  const Error too_short{ErrorCode::kDamaged,
                        "'" + path + "' is shorter than a control page: restart the sidecar"};
  if (static_cast<std::uint64_t>(info.st_size) < format::kControlPageBytes) return too_short;
  const std::string boot_id = boot_id_to_compare(file->get());
  auto page = page_of(*file, info, path);
  if (!page) return page;
  std::unique_ptr<format::ControlPage> copy;
  const format::ControlPage* control = (*page)->look(copy);
  if (control == nullptr) return too_short;
  if (auto sound = check_page(*control, boot_id); !sound) {
    return Error{sound.error().code, "'" + directory_ + "': " + sound.error().text};
  }
  if ((*page)->is_private()) return page;
  // Length, version, length again: whoever shortened it meanwhile is not one of ours.
  if (::fstat(file->get(), &info) != 0) return system_error(errno, "look at", path);
  if (static_cast<std::uint64_t>(info.st_size) < format::kControlPageBytes) return too_short;
  return page;
}

// The page of a file, which this process may have already. A new private page keeps the file.
Result<std::shared_ptr<const Page>> FilePlace::page_of(Descriptor& file, const struct stat& info,
                                                       const std::string& path) const {
  Registry& registry = Registry::process();
  auto known = registry.page(info.st_dev, info.st_ino, private_copy_);
  // Its descriptor was closed, and opening this one has given its number out again.
  const bool has_its_number = known && known->descriptor() == file.get();
  if (known && (!private_copy_ || (!has_its_number && known->has_its_file()))) return known;
  if (known) registry.forget(*known);
  auto region = Region::map_file(file.get(), format::kControlPageBytes, path);
  if (!region) return region.error();
  std::shared_ptr<Page> made;
  if (private_copy_) {
    // Under a number of its own: the forgotten page takes what it finds under its own for its file, and
    // would close it in the end.
    Descriptor kept(has_its_number ? ::fcntl(file.get(), F_DUPFD_CLOEXEC, 0) : file.release());
    if (!kept.valid()) return system_error(errno, "keep open", path);
    made = std::make_shared<Page>(std::move(*region), std::move(kept));
  } else {
    const auto* control = static_cast<const format::ControlPage*>(region->data());
    made = std::make_shared<Page>(std::move(*region), control);
  }
  made->device = info.st_dev;
  made->inode = info.st_ino;
  made->owner = info.st_uid;
  return registry.add(std::move(made));
}

bool FilePlace::is_replaced(const Page& page) const {
  struct stat info;
  const std::string path = directory_ + "/" + format::kControlFile;
  if (::fstatat(AT_FDCWD, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return info.st_dev != page.device || info.st_ino != page.inode;
}

Result<MappedSnapshot> FilePlace::open_snapshot(const Page& page, std::uint64_t generation) const {
  Registry& registry = Registry::process();
  // By its whole path, in one system call: the directory was judged with the page, and nobody but
  // the page's owner can have put a file of that owner there.
  const std::string path = directory_ + "/" + format::generation_name(generation);
  auto known = registry.snapshot(page, generation);
  if (!known && !page.is_private()) known = prepared_snapshot(page, generation);
  if (known) return snapshot_in(std::move(known), path);
  struct stat info;
  auto file = open_file(AT_FDCWD, path.c_str(), path, info);
  if (!file) return file.error();
  if (info.st_uid != page.owner) {
    return denied(path, "belongs to uid " + std::to_string(info.st_uid) + ", but the control page to uid " +
                            std::to_string(page.owner) + ": remove it");
  }
  const auto size_bytes = static_cast<std::uint64_t>(info.st_size);
  auto opened = page.is_private() ? copy_snapshot(file->get(), size_bytes, "'" + path + "'")
                                  : map_snapshot(file->get(), size_bytes, path);
  if (!opened) return opened;
  if (opened->view.header().generation != generation) {
    return Error{ErrorCode::kDamaged, "'" + path + "' holds another generation than its name says"};
  }
  known = registry.add(page, *opened);
  if (known == opened->mapping) return opened;
  return snapshot_in(std::move(known), path);
}

Result<Page::Draft> FilePlace::open_draft(const Page& page) const {
  // Pairs with the publisher's release store: behind it, the file is in its place.
  const std::uint64_t id = page.control().draft_id.load(std::memory_order_acquire);
  const bool is_published = id == page.control().snapshot_id.load(std::memory_order_relaxed);
  if (id == 0 || is_published) return Error{ErrorCode::kNotReady, ""};
  if (auto prepared = Registry::process().prepared(page, id)) {
    return Page::Draft{.id = id, .mapping = std::move(prepared), .is_populated = true};
  }
  const std::string path = directory_ + "/" + format::draft_name(format::Role::kWatch, id);
  struct stat info;
  auto file = open_file(AT_FDCWD, path.c_str(), path, info);
  if (!file) return file.error();
  const auto size_bytes = static_cast<std::size_t>(info.st_size);
  if (info.st_uid != page.owner || size_bytes < format::kSnapshotHeaderBytes) return Error{ErrorCode::kDamaged, ""};
  // The file may become longer within its last page, all of which can be touched.
  const std::size_t whole_pages = (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  auto region = Region::map_file(file->get(), whole_pages, path);
  if (!region) return region.error();
  region->keep_out_of_dumps();
  return Page::Draft{.id = id, .mapping = std::make_shared<const Mapping>(std::move(*region))};
}

std::shared_ptr<const Mapping> FilePlace::prepare(const Page& page, Page::Draft draft) const {
  return Registry::process().prepare(page, std::move(draft));
}

void FilePlace::share(const Page& page, const MappedSnapshot& snapshot) const {
  Registry::process().add(page, snapshot);
}

// What another reader of this process has prepared, if it is this generation. A newer one may be under
// way: then this one is opened by its name.
std::shared_ptr<const Mapping> FilePlace::prepared_snapshot(const Page& page, std::uint64_t generation) const {
  const std::uint64_t id = page.control().snapshot_id.load(std::memory_order_acquire);
  MappedSnapshot prepared{Registry::process().prepared(page, id), {}};
  if (!prepared.mapping) return nullptr;
  const auto bytes = prepared.mapping->region().bytes();
  return is_generation(bytes, id, generation, prepared.view) ? Registry::process().add(page, prepared) : nullptr;
}

Result<Backup> FilePlace::open_backup(const Page* page) const {
  std::string named_by_segment;
  std::unique_ptr<format::ControlPage> copy;
  const format::ControlPage* control = page != nullptr ? page->look(copy) : nullptr;
  if (control != nullptr && !control->backup_path.load(named_by_segment)) named_by_segment.clear();
  const BackupLocation location = locate_backup(location_.name, backup_file_, named_by_segment);
  if (location.file.empty()) {
    return Error{ErrorCode::kAbsent, "there is no place for a backup: set SHMCONF_BACKUP"};
  }
  AllowedOwner owner{.anybody = !location.is_default, .also = {}};
  if (page != nullptr) owner.also = page->owner;

  auto newest = read_backup(location.file, owner);
  if (newest) return Backup{std::move(*newest), location.file};
  const std::string before = location.file + ".prev";
  auto previous = read_backup(before, owner);
  if (previous) return Backup{std::move(*previous), before};
  // The newer one says why; unless it is only absent, and the one before it is worse.
  return newest.error().code == ErrorCode::kAbsent ? previous.error() : newest.error();
}

std::chrono::nanoseconds FilePlace::now() const {
  timespec time;
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void FilePlace::wait(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
                     std::chrono::nanoseconds timeout) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec time{static_cast<time_t>(seconds.count()), static_cast<long>((timeout - seconds).count())};
  // The low half comes first, little-endian. Not PRIVATE: the publisher is another process. Waiting
  // works on a read-only map.
  const auto* low_half = reinterpret_cast<const std::uint32_t*>(&word);
  ::syscall(SYS_futex, low_half, FUTEX_WAIT, expected, &time, nullptr, 0);
}

}  // namespace shmconf::reader
