#include "supervisor/users.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

namespace shmconf::supervisor {
namespace {

// A sidecar that ends takes its processes five seconds at most.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kPause{5};

std::string file_name(const shm::Place& place) { return "." + place.name + ".users"; }

bool is_locked(int fd, int operation) {
  int failed = 0;
  do {
    failed = ::flock(fd, operation | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  return failed == 0;
}

}  // namespace

Result<Users> Users::open(env::Env& env, const shm::Place& place) {
  Users users(env, place);
  if (auto taken = users.take_file(); !taken) return taken.error();
  return users;
}

Result<Users> Users::join(env::Env& env, const shm::Place& place) {
  auto users = open(env, place);
  if (!users) return users;
  const auto deadline = env.boottime_now() + kPatience;
  while (!is_locked(users->files_.front().get(), LOCK_SH)) {
    if (env.boottime_now() >= deadline) {
      return Error{ErrorCode::kTimeout, "the sidecar of '" + place.name + "' in '" + place.root +
                                            "' is ending and does not come to its end: look at its log, and kill "
                                            "the process that has '" + file_name(place) + "' there open"};
    }
    env.sleep_for(kPause);
  }
  return users;
}

Result<void> Users::take_file() {
  auto root = shm::open_root(*env_, place_);
  if (!root) return root.error();
  const std::string name = file_name(place_);
  const Error not_ours{ErrorCode::kDenied, "'" + place_.root + "/" + name + "' is not a regular file of yours (uid " +
                                               std::to_string(::geteuid()) +
                                               "): remove it, or name another place with --dir"};
  auto file = env_->open_at(root->get(), name, O_RDONLY | O_CREAT | O_NONBLOCK, 0600);
  if (!file) {
    const auto there = env_->info_at(root->get(), name);
    const bool foreign = file.error().code == ErrorCode::kDenied || (there && !S_ISREG(there->mode));
    return foreign ? not_ours : file.error();
  }
  const auto info = env_->info(file->get());
  if (!info) return info.error();
  if (!S_ISREG(info->mode) || info->owner != ::geteuid()) return not_ours;
  files_.push_back(std::move(*file));
  return {};
}

bool Users::is_replaced() const {
  const auto there = env_->info_at(AT_FDCWD, place_.root + "/" + file_name(place_));
  const auto ours = env_->info(files_.back().get());
  return there && ours && (there->device != ours->device || there->inode != ours->inode);
}

bool Users::alone() {
  // Users of both files count: new ones find the new file.
  if (is_replaced() && !take_file()) return false;
  for (const env::Fd& file : files_) {
    if (is_locked(file.get(), LOCK_EX)) continue;
    for (const env::Fd& locked : files_) ::flock(locked.get(), LOCK_UN);
    return false;
  }
  return true;
}

}  // namespace shmconf::supervisor
