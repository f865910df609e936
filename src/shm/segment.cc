#include "shm/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "shm/control_page.h"
#include "shm/group_access.h"
#include "shm/mapping.h"

namespace shmconf::shm {
namespace {

using env::Env;
using env::Fd;
using env::FileInfo;

constexpr std::chrono::milliseconds kPublishLockTimeout{2'000};

// The lock file keeps the newest creation time that any page of this name had, so that none is used
// twice. The bytes below are the locks' and the supervisor's.
constexpr std::uint64_t kLastCreationOffset = 64;

// In 2105; a clock that is beyond it does not count.
constexpr std::int64_t kLatestCreationS = std::int64_t{UINT32_MAX} - (1 << 24);

Error denied(const std::string& what) { return Error{ErrorCode::kDenied, what}; }

mode_t directory_mode(const Place& place) { return place.group ? 0750 : 0700; }
mode_t file_mode(const Place& place) { return place.group ? 0640 : 0600; }

std::string lock_file_name(const Place& place) { return "." + place.name + ".lock"; }

// Refuses what another user could have put there.
Result<void> check_ours(const FileInfo& info, const std::string& path) {
  if (info.owner != ::geteuid()) {
    return denied("'" + path + "' belongs to uid " + std::to_string(info.owner) + ", not to you (uid " +
                  std::to_string(::geteuid()) + "): remove it, or name another place with --dir");
  }
  if ((info.mode & 022) != 0) {
    return denied("'" + path + "' is writable by others: chmod go-w it, or name another place with --dir");
  }
  return {};
}

// Of what was to be a directory of ours, and could not be opened as one.
Error no_directory(const Result<FileInfo>& there, const std::string& path, const Error& why) {
  if (!there || S_ISDIR(there->mode)) return why;
  return denied("'" + path + "' is " + (S_ISLNK(there->mode) ? "a symlink" : "no directory") +
                ": remove it, or name another place with --dir");
}

// Of what was to be a file of ours, and could not be opened.
Error not_to_open(Env& env, int directory, const std::string& name, const std::string& path, const Error& why) {
  const auto there = env.info_at(directory, name);
  if (there && S_ISLNK(there->mode)) return denied("'" + path + "' is a symlink: remove it");
  if (there && !S_ISREG(there->mode)) return denied("'" + path + "' is not a regular file: remove it");
  if (there && there->owner != ::geteuid()) return check_ours(*there, path).error();
  return Error{why.code, "'" + path + "': " + why.text};
}

// A file of ours that is written in place. Another user may have made another name of any file of ours
// where he may write; that file must not be written to.
Result<void> check_written_file(const FileInfo& info, const std::string& path) {
  if (!S_ISREG(info.mode)) return denied("'" + path + "' is not a regular file: remove it");
  if (auto ours = check_ours(info, path); !ours) return ours;
  if (info.links > 1) return denied("'" + path + "' is another file's second name, a hard link: remove it");
  return {};
}

Result<Fd> open_service_directory(Env& env, int root, const Place& place) {
  const std::string path = place.root + "/" + place.name;
  const auto made = env.make_directory_at(root, place.name, directory_mode(place));
  auto directory = env.open_directory_at(root, place.name);
  if (!directory) {
    if (directory.error().code == ErrorCode::kAbsent && !made) return made.error();
    return no_directory(env.info_at(root, place.name), path, directory.error());
  }
  auto info = env.info(directory->get());
  if (!info) return info.error();
  if (auto ours = check_ours(*info, path); !ours) return ours.error();
  if (made) {
    if (auto given = give_to_group(env, directory->get(), place.group, directory_mode(place)); !given) return given.error();
  }
  return directory;
}

Result<Fd> open_lock_file_at(Env& env, int root, const Place& place) {
  const std::string name = lock_file_name(place);
  const std::string path = place.root + "/" + name;
  auto file = env.open_at(root, name, O_RDWR | O_CREAT | O_NONBLOCK, 0600);
  if (!file) return not_to_open(env, root, name, path, file.error());
  auto info = env.info(file->get());
  if (!info) return info.error();
  if (auto ours = check_written_file(*info, path); !ours) return ours.error();
  return file;
}

bool same_file(const FileInfo& a, const FileInfo& b) { return a.device == b.device && a.inode == b.inode; }

// Whether a file in the segment's directory is one of this version's.
bool is_ours(const std::string& name) {
  return name == format::kControlFile || name == kPageDraftFile || name.starts_with(format::kSnapshotPrefix) ||
         name.starts_with(format::kDraftPrefix);
}

// Gives the files of a segment to those who may read it now. One that another process renames or removes
// meanwhile is that one's. One that has another name elsewhere is closed, and opened to nobody.
Result<void> give_access_to_files(Env& env, int directory, const Place& place) {
  const auto names = env.list(directory);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (!is_ours(name)) continue;
    const auto file = env.open_at(directory, name, O_RDONLY | O_NONBLOCK);
    if (!file) continue;
    const auto info = env.info(file->get());
    if (!info) return info.error();
    if (!S_ISREG(info->mode) || info->owner != ::geteuid()) continue;
    const bool alone = info->links == 1;
    auto given = give_access(env, file->get(), *info, alone ? place.group : std::nullopt,
                             alone ? file_mode(place) : 0600);
    if (!given) return given;
  }
  return {};
}

// A creation time that no page of this name had before. Requires the publish lock.
Result<std::uint64_t> next_creation_time(Env& env, int lock_file, std::uint64_t newer_than_s) {
  std::uint64_t last = 0;
  // A new lock file is shorter than this field.
  const auto read = env.read_at(lock_file, kLastCreationOffset, std::as_writable_bytes(std::span(&last, 1)));
  if (!read && read.error().code != ErrorCode::kDamaged) return read.error();
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(env.wall_now()).count();
  std::uint64_t next = newer_than_s + 1;
  // What a broken clock says must fit into the 32 bits, and leave room behind it.
  if (now > 0 && now < kLatestCreationS) next = std::max(next, static_cast<std::uint64_t>(now));
  // A clock that was once far in the future must not push this one out of its 32 bits.
  if (last < UINT32_MAX - 1) next = std::max(next, last + 1);
  if (auto put = env.write_at(lock_file, kLastCreationOffset, std::as_bytes(std::span(&next, 1))); !put) return put.error();
  return next;
}

}  // namespace

Result<env::Fd> open_root(env::Env& env, const Place& place) {
  const auto made = env.make_directory(place.root, directory_mode(place));
  auto root = env.open_directory(place.root);
  if (!root) {
    if (root.error().code == ErrorCode::kAbsent && !made) return made.error();
    return no_directory(env.info_at(AT_FDCWD, place.root), place.root, root.error());
  }
  auto info = env.info(root->get());
  if (!info) return info.error();
  if (place.root_is_default) {
    if (auto ours = check_ours(*info, place.root); !ours) return ours.error();
  }
  if (made) {
    const auto given = give_to_group(env, root->get(), place.group, directory_mode(place));
    if (!given) return given.error();
  }
  return root;
}

Result<env::Fd> open_lock_file(env::Env& env, const Place& place) {
  auto root = open_root(env, place);
  if (!root) return root;
  return open_lock_file_at(env, root->get(), place);
}

struct ByteLock::Hold {
  Hold(Env& in, std::shared_ptr<const Fd> of, format::LockByte which) : env(in), file(std::move(of)), byte(which) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { env.unlock_byte(file->get(), static_cast<std::uint64_t>(byte)); }

  Env& env;
  std::shared_ptr<const Fd> file;
  const format::LockByte byte;
};

struct Segment::State {
  Env* env = nullptr;
  Place place;
  Fd root;
  std::shared_ptr<const Fd> lock_file;
  FileInfo lock_info;
  Fd directory;
  Mapping page_map;
  Fd page_file;
  FileInfo page_info;
  std::uint64_t created_s = 0;  // of the page
  std::array<std::weak_ptr<ByteLock::Hold>, format::kRoleCount + 1> held_for_life;

  // To touch a page whose file somebody has made shorter would be SIGBUS. It is left, for a stand-in that
  // is retired, so that renew_if_replaced() replaces it. (Between this look and the touch there is a
  // moment that nothing guards. A process that dies of it is started again.)
  [[nodiscard]] format::ControlPage& page() noexcept {
    if (!page_file.valid()) return *reinterpret_cast<format::ControlPage*>(page_map.bytes().data());
    const auto info = env->info(page_file.get());
    if (info && info->size_bytes < format::kControlPageBytes && page_map.leave_file()) {
      auto* stand_in = new (page_map.bytes().data()) format::ControlPage();
      stand_in->created_wall_s = created_s;
      stand_in->generation.store(format::kRetired, std::memory_order_relaxed);
      page_file = Fd();
    }
    return *reinterpret_cast<format::ControlPage*>(page_map.bytes().data());
  }

  Result<ByteLock> try_lock(format::LockByte byte) {
    auto locked = env->try_lock_byte(lock_file->get(), static_cast<std::uint64_t>(byte));
    if (!locked) return locked.error();
    if (!*locked) return ByteLock();
    return ByteLock(hold(byte));
  }

  std::shared_ptr<ByteLock::Hold> hold(format::LockByte byte) {
    auto held = std::make_shared<ByteLock::Hold>(*env, lock_file, byte);
    if (byte != format::LockByte::kPublish) held_for_life[static_cast<std::size_t>(byte)] = held;
    return held;
  }

  Result<ByteLock> lock(format::LockByte byte, std::chrono::milliseconds timeout) {
    const auto deadline = env->boottime_now() + timeout;
    auto pause = std::chrono::microseconds(50);
    for (;;) {
      auto locked = try_lock(byte);
      if (!locked || locked->held()) return locked;
      if (env->boottime_now() >= deadline) {
        return Error{ErrorCode::kTimeout, "the lock of '" + place.name + "' in '" + place.root +
                                              "' stays taken: a stopped process holds it"};
      }
      env->sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::microseconds(5'000));
    }
  }

  Result<void> open_places() {
    auto opened_root = open_root(*env, place);
    if (!opened_root) return opened_root.error();
    root = std::move(*opened_root);
    auto opened_lock = open_lock_file_at(*env, root.get(), place);
    if (!opened_lock) return opened_lock.error();
    const auto lock_opened = env->info(opened_lock->get());
    if (!lock_opened) return lock_opened.error();
    // The same file keeps its descriptor, and with it the locks that are held on it.
    if (!lock_file || !same_file(*lock_opened, lock_info)) {
      lock_file = std::make_shared<const Fd>(std::move(*opened_lock));
      lock_info = *lock_opened;
    }
    auto opened_directory = open_service_directory(*env, root.get(), place);
    if (!opened_directory) return opened_directory.error();
    directory = std::move(*opened_directory);
    return {};
  }

  // Names the place in what says only which file could not be had.
  Error of_this_place(Error error) const {
    if (error.code == ErrorCode::kNoSpace || error.code == ErrorCode::kSystem) {
      error.text = "segment '" + place.root + "/" + place.name + "': " + error.text;
    }
    return error;
  }

  bool page_in_place() {
    const auto there = env->info_at(AT_FDCWD, place.root + "/" + place.name + "/" + format::kControlFile);
    const bool retired = page().generation.load(std::memory_order_acquire) == format::kRetired || !page_file.valid();
    // That it could not be looked at for want of memory, say, is no sign that it is gone.
    if (!there && there.error().code != ErrorCode::kAbsent && there.error().code != ErrorCode::kDenied) return !retired;
    return !retired && there && same_file(*there, page_info);
  }

  bool lock_file_in_place() {
    const auto there = env->info_at(AT_FDCWD, place.root + "/" + lock_file_name(place));
    return there && same_file(*there, lock_info);
  }

  // Whether a lock is held for life on a file that is no longer the lock file.
  bool owes_locks() const {
    return std::any_of(held_for_life.begin(), held_for_life.end(), [this](const auto& weak) {
      const auto held = weak.lock();
      return held && held->file != lock_file;
    });
  }

  // Moves the life locks to the lock file. One that another process has there is owed, and tried
  // again at the next call.
  Result<void> take_owed_locks() {
    for (const auto& weak : held_for_life) {
      const auto held = weak.lock();
      if (!held || held->file == lock_file) continue;
      auto locked = env->try_lock_byte(lock_file->get(), static_cast<std::uint64_t>(held->byte));
      if (!locked) return locked.error();
      if (!*locked) return denied("another process took over '" + place.name + "' in '" + place.root + "'");
      held->file = lock_file;
    }
    return {};
  }

  // Maps the page that is there, or makes one. Keeps a sound page, with its readers.
  Result<void> open_page(std::uint64_t newer_than_s) {
    auto publishing = lock(format::LockByte::kPublish, kPublishLockTimeout);
    if (!publishing) return publishing.error();
    auto boot = env->boot_id();
    if (!boot) return boot.error();
    const std::string path = place.root + "/" + place.name + "/" + format::kControlFile;
    auto existing = attach_page(*env, directory.get(), *boot);
    if (!existing) return not_to_open(*env, directory.get(), format::kControlFile, path, existing.error());
    if (existing->soundness != PageSoundness::kSound) {
      if (existing->map.mapped()) {
        newer_than_s = std::max(newer_than_s, existing->newest_creation_s);
        retire_page(*env, existing->map);
      }
      auto created = next_creation_time(*env, lock_file->get(), newer_than_s);
      if (!created) return created.error();
      auto made = make_page(*env, directory.get(), file_mode(place), place.group, *boot, *created);
      if (!made) return Error{made.error().code, "'" + path + "': " + made.error().text};
      existing = std::move(made);
    }
    page_map = std::move(existing->map);
    page_file = std::move(existing->file);
    created_s = reinterpret_cast<const format::ControlPage*>(page_map.bytes().data())->created_wall_s;
    auto info = env->info_at(directory.get(), format::kControlFile);
    if (!info) return info.error();
    page_info = *info;
    return {};
  }
};

Segment::Segment(std::unique_ptr<State> state) : state_(std::move(state)) {}
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

Result<Segment> Segment::attach(Env& env, Place place) {
  auto state = std::make_unique<State>();
  state->env = &env;
  state->place = std::move(place);
  auto opened = state->open_places();
  if (opened) opened = state->open_page(0);
  if (!opened) return state->of_this_place(opened.error());
  Segment segment(std::move(state));
  segment.wake();  // a wake that a killed publisher owed
  return segment;
}

const Place& Segment::place() const noexcept { return state_->place; }
format::ControlPage& Segment::page() const noexcept { return state_->page(); }
format::RoleState& Segment::role(format::Role role) const noexcept {
  return state_->page().roles[static_cast<std::size_t>(role)];
}
format::RoleCounters& Segment::counters(format::Role role) const noexcept {
  return state_->page().counters[static_cast<std::size_t>(role)];
}
int Segment::directory() const noexcept { return state_->directory.get(); }

Result<ByteLock> Segment::try_lock(format::LockByte byte) {
  return state_->try_lock(byte);
}

Result<ByteLock> Segment::lock(format::LockByte byte, std::chrono::milliseconds timeout) {
  return state_->lock(byte, timeout);
}

Result<void> Segment::give_access() {
  State& state = *state_;
  auto publishing = state.lock(format::LockByte::kPublish, kPublishLockTimeout);
  if (!publishing) return publishing.error();
  const auto give = [&](int fd) -> Result<void> {
    const auto info = state.env->info(fd);
    if (!info) return info.error();
    return shm::give_access(*state.env, fd, *info, state.place.group, directory_mode(state.place));
  };
  // A root that somebody named is theirs to open; other services' readers may need the default one.
  if (state.place.root_is_default && state.place.group) {
    if (auto given = give(state.root.get()); !given) return given;
  }
  if (auto given = give(state.directory.get()); !given) return given;
  return give_access_to_files(*state.env, state.directory.get(), state.place);
}

Result<bool> Segment::renew_if_replaced() {
  State& state = *state_;
  const bool page_in_place = state.page_in_place();
  if (page_in_place && state.lock_file_in_place() && !state.owes_locks()) return false;
  const std::uint64_t created_s = page().created_wall_s;
  if (!page_in_place) retire_page(*state.env, state.page_map);
  if (auto opened = state.open_places(); !opened) return opened.error();
  if (auto taken = state.take_owed_locks(); !taken) return taken.error();
  if (page_in_place) return false;
  if (auto opened = state.open_page(created_s); !opened) return opened.error();
  wake();
  return true;
}

Result<void> Segment::remove() {
  // Only what is in place is removed, and only by the one who holds its locks.
  if (auto renewed = renew_if_replaced(); !renewed) return renewed.error();
  auto publishing = state_->lock(format::LockByte::kPublish, kPublishLockTimeout);
  if (!publishing) return publishing.error();
  retire_page(*state_->env, state_->page_map);
  auto names = state_->env->list(state_->directory.get());
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (!is_ours(name)) continue;
    auto removed = state_->env->unlink_at(state_->directory.get(), name);
    if (!removed && removed.error().code != ErrorCode::kAbsent) return removed;
  }
  auto removed = state_->env->remove_directory_at(state_->root.get(), state_->place.name);
  if (removed) return removed;
  const auto others = state_->env->list(state_->directory.get());
  return others && !others->empty() ? Result<void>() : removed;
}

void Segment::wake() const { wake_page(*state_->env, state_->page()); }

}  // namespace shmconf::shm
