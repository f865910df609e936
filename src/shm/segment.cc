#include "shm/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <utility>

#include "shm/control_page.h"
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

Error denied(const std::string& what) { return Error{ErrorCode::kDenied, what}; }

mode_t directory_mode(const Place& place) { return place.group ? 0750 : 0700; }
mode_t file_mode(const Place& place) { return place.group ? 0640 : 0600; }

Result<void> give_to_group(Env& env, int fd, const Place& place) {
  if (!place.group) return {};
  return env.set_group(fd, *place.group);
}

Result<Fd> open_root(Env& env, const Place& place) {
  const auto made = env.make_directory(place.root, directory_mode(place));
  auto root = env.open_directory(place.root);
  if (!root) {
    if (root.error().code == ErrorCode::kAbsent && !made) return made.error();
    return root.error();
  }
  auto info = env.info(root->get());
  if (!info) return info.error();
  if (place.root_is_default && info->owner != ::geteuid()) {
    return denied("'" + place.root + "' belongs to uid " + std::to_string(info->owner) + ", not to you (uid " +
                  std::to_string(::geteuid()) + "): remove it, or name another place with --dir");
  }
  if (made && place.group) {
    if (auto given = give_to_group(env, root->get(), place); !given) return given.error();
  }
  return root;
}

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

Result<Fd> open_service_directory(Env& env, int root, const Place& place) {
  const std::string path = place.root + "/" + place.name;
  const auto made = env.make_directory_at(root, place.name, directory_mode(place));
  auto directory = env.open_directory_at(root, place.name);
  if (!directory) {
    if (directory.error().code == ErrorCode::kAbsent && !made) return made.error();
    const auto there = env.info_at(root, place.name);
    if (there && !S_ISDIR(there->mode)) {
      return denied("'" + path + "' is " + (S_ISLNK(there->mode) ? "a symlink" : "no directory") +
                    ": remove it, or name another place with --dir");
    }
    return directory.error();
  }
  auto info = env.info(directory->get());
  if (!info) return info.error();
  if (auto ours = check_ours(*info, path); !ours) return ours.error();
  if (made) {
    if (auto given = give_to_group(env, directory->get(), place); !given) return given.error();
  }
  return directory;
}

Result<Fd> open_lock_file(Env& env, int root, const Place& place) {
  const std::string name = "." + place.name + ".lock";
  auto file = env.open_at(root, name, O_RDWR | O_CREAT, 0600);
  if (!file) return file.error();
  auto info = env.info(file->get());
  if (!info) return info.error();
  const std::string path = place.root + "/" + name;
  if (!S_ISREG(info->mode)) return denied("'" + path + "' is not a regular file: remove it");
  if (auto ours = check_ours(*info, path); !ours) return ours.error();
  return file;
}

bool same_file(const FileInfo& a, const FileInfo& b) { return a.device == b.device && a.inode == b.inode; }

// A creation time that no page of this name had before. Requires the publish lock.
Result<std::uint64_t> next_creation_time(Env& env, int lock_file, std::uint64_t newer_than_s) {
  std::uint64_t last = 0;
  // A new lock file is shorter than this field.
  const auto read = env.read_at(lock_file, kLastCreationOffset, std::as_writable_bytes(std::span(&last, 1)));
  if (!read && read.error().code != ErrorCode::kDamaged) return read.error();
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(env.wall_now()).count();
  std::uint64_t next = std::max<std::uint64_t>(static_cast<std::uint64_t>(now), newer_than_s + 1);
  // A clock that was once far in the future must not push this one out of its 32 bits.
  if (last < UINT32_MAX - 1) next = std::max(next, last + 1);
  if (auto put = env.write_at(lock_file, kLastCreationOffset, std::as_bytes(std::span(&next, 1))); !put) return put.error();
  return next;
}

}  // namespace

ByteLock::ByteLock(ByteLock&& other) noexcept
    : env_(std::exchange(other.env_, nullptr)), file_(std::move(other.file_)), byte_(other.byte_) {}

ByteLock& ByteLock::operator=(ByteLock&& other) noexcept {
  if (this != &other) {
    if (env_ != nullptr) env_->unlock_byte(file_->get(), static_cast<std::uint64_t>(byte_));
    env_ = std::exchange(other.env_, nullptr);
    file_ = std::move(other.file_);
    byte_ = other.byte_;
  }
  return *this;
}

ByteLock::~ByteLock() {
  if (env_ != nullptr) env_->unlock_byte(file_->get(), static_cast<std::uint64_t>(byte_));
}

struct Segment::State {
  Env* env = nullptr;
  Place place;
  Fd root;
  std::shared_ptr<const Fd> lock_file;
  Fd directory;
  Mapping page_map;
  FileInfo page_info;
  std::bitset<format::kRoleCount + 1> held_for_life;
  std::vector<ByteLock> carried;  // life locks taken anew on a replaced lock file

  [[nodiscard]] format::ControlPage& page() {
    return *reinterpret_cast<format::ControlPage*>(page_map.bytes().data());
  }

  Result<ByteLock> try_lock(format::LockByte byte) {
    auto locked = env->try_lock_byte(lock_file->get(), static_cast<std::uint64_t>(byte));
    if (!locked) return locked.error();
    if (!*locked) return ByteLock();
    return ByteLock(*env, lock_file, byte);
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
    auto opened_lock = open_lock_file(*env, root.get(), place);
    if (!opened_lock) return opened_lock.error();
    // The same file keeps its descriptor, and with it the locks that are held on it.
    if (!lock_file || !is_same(*opened_lock, *lock_file)) {
      lock_file = std::make_shared<const Fd>(std::move(*opened_lock));
    }
    auto opened_directory = open_service_directory(*env, root.get(), place);
    if (!opened_directory) return opened_directory.error();
    directory = std::move(*opened_directory);
    return {};
  }

  bool is_same(const Fd& a, const Fd& b) {
    const auto first = env->info(a.get());
    const auto second = env->info(b.get());
    return first && second && same_file(*first, *second);
  }

  // Maps the page that is there, or makes one. Keeps a sound page, with its readers.
  Result<void> open_page(std::uint64_t newer_than_s) {
    auto publishing = lock(format::LockByte::kPublish, kPublishLockTimeout);
    if (!publishing) return publishing.error();
    auto boot = env->boot_id();
    if (!boot) return boot.error();
    auto existing = attach_page(*env, directory.get(), *boot);
    if (!existing) return existing.error();
    if (existing->soundness == PageSoundness::kSound) {
      page_map = std::move(existing->map);
    } else {
      if (existing->map.mapped()) {
        newer_than_s = std::max(newer_than_s, existing->newest_creation_s);
        retire_page(*env, existing->map);
      }
      auto created = next_creation_time(*env, lock_file->get(), newer_than_s);
      if (!created) return created.error();
      auto made = make_page(*env, directory.get(), file_mode(place), place.group, *boot, *created);
      if (!made) return made.error();
      page_map = std::move(*made);
    }
    auto info = env->info_at(directory.get(), format::kControlFile);
    if (!info) return info.error();
    page_info = *info;
    return {};
  }

  Result<void> take_life_locks() {
    carried.clear();
    for (std::size_t i = 0; i < held_for_life.size(); ++i) {
      if (!held_for_life[i]) continue;
      auto lock = try_lock(static_cast<format::LockByte>(i));
      if (!lock) return lock.error();
      if (!lock->held()) return denied("another process took over '" + place.name + "' in '" + place.root + "'");
      carried.push_back(std::move(*lock));
    }
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
  if (auto opened = state->open_places(); !opened) return opened.error();
  if (auto opened = state->open_page(0); !opened) return opened.error();
  Segment segment(std::move(state));
  segment.wake();  // a wake that a killed publisher owed
  return segment;
}

const Place& Segment::place() const noexcept { return state_->place; }
format::ControlPage& Segment::page() const noexcept { return state_->page(); }
format::RoleState& Segment::role(format::Role role) const noexcept {
  return state_->page().roles[static_cast<std::size_t>(role)];
}
int Segment::directory() const noexcept { return state_->directory.get(); }

Result<ByteLock> Segment::try_lock(format::LockByte byte) {
  auto lock = state_->try_lock(byte);
  if (lock && lock->held() && byte != format::LockByte::kPublish) {
    state_->held_for_life.set(static_cast<std::size_t>(byte));
  }
  return lock;
}

Result<ByteLock> Segment::lock(format::LockByte byte, std::chrono::milliseconds timeout) {
  return state_->lock(byte, timeout);
}

Result<bool> Segment::renew_if_replaced() {
  const std::string path = state_->place.root + "/" + state_->place.name + "/" + format::kControlFile;
  const auto now_there = state_->env->info_at(AT_FDCWD, path);
  const bool retired = page().generation.load(std::memory_order_acquire) == format::kRetired;
  if (!retired && now_there && same_file(*now_there, state_->page_info)) return false;
  const std::uint64_t created_s = state_->page().created_wall_s;
  retire_page(*state_->env, state_->page_map);
  const auto lock_file_before = state_->lock_file;
  if (auto opened = state_->open_places(); !opened) return opened.error();
  if (state_->lock_file != lock_file_before) {
    if (auto taken = state_->take_life_locks(); !taken) return taken.error();
  }
  if (auto opened = state_->open_page(created_s); !opened) return opened.error();
  wake();
  return true;
}

Result<void> Segment::remove() {
  auto publishing = state_->lock(format::LockByte::kPublish, kPublishLockTimeout);
  if (!publishing) return publishing.error();
  retire_page(*state_->env, state_->page_map);
  auto names = state_->env->list(state_->directory.get());
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (auto removed = state_->env->unlink_at(state_->directory.get(), name); !removed) return removed;
  }
  return state_->env->remove_directory_at(state_->root.get(), state_->place.name);
}

void Segment::wake() const { wake_page(*state_->env, state_->page()); }

}  // namespace shmconf::shm
