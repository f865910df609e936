#include "backup/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tuple>
#include <utility>

namespace shmconf::backup {
namespace {

using env::Env;
using env::Fd;

constexpr std::uint64_t kLimitBytes = std::uint64_t{32} << 30;

enum class Owner : std::uint8_t { kTrusted, kAnyone };

// Reads and verifies one file.
Result<Loaded> load_at(Env& env, int directory, const std::string& name, const std::string& path, Owner owner) {
  auto fd = env.open_at(directory, name, O_RDONLY | O_NONBLOCK);
  if (!fd) return fd.error();
  auto info = env.info(fd->get());
  if (!info) return info.error();
  if (!S_ISREG(info->mode)) {
    return Error{ErrorCode::kDenied, "the backup '" + path + "' is not a regular file: name another with --backup"};
  }
  const bool trusted = (info->owner == ::geteuid() || info->owner == 0) && (info->mode & 022) == 0;
  if (owner == Owner::kTrusted && !trusted) {
    return Error{ErrorCode::kDenied, "the backup '" + path + "' belongs to, or may be written by, another user: " +
                                         "check it with 'shmconf dump', then chown and chmod 600 it"};
  }
  // Read, not mapped: a map of a file that shrinks is a SIGBUS.
  auto bytes = env.read_all(fd->get(), kLimitBytes);
  if (!bytes) return bytes.error();
  const auto in_file = [&](const Error& error) { return Error{error.code, "backup '" + path + "': " + error.text}; };
  auto view = SnapshotView::open(*bytes);
  if (!view) return in_file(view.error());
  if (auto sound = view->verify(); !sound) return in_file(sound.error());
  return Loaded(std::move(*bytes), *view, path);
}

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

Store::Store(Env& env, std::string path) : env_(env), path_(std::move(path)) {
  std::tie(directory_, name_) = split(path_);
}

Result<Fd> Store::open_directory(bool make) {
  auto directory = env_.open_directory(directory_);
  if (directory || directory.error().code != ErrorCode::kAbsent || !make) return directory;
  for (std::size_t slash = directory_.find('/', 1);; slash = directory_.find('/', slash + 1)) {
    const std::string part = directory_.substr(0, slash);
    const auto made = env_.make_directory(part, 0700);
    if (!made && !env_.info_at(AT_FDCWD, part)) return made.error();
    if (slash == std::string::npos) break;
  }
  return env_.open_directory(directory_);
}

Result<void> Store::write(std::span<const std::byte> snapshot) {
  auto directory = open_directory(true);
  if (!directory) return directory.error();
  const int dir = directory->get();
  const std::string temporary = name_ + ".tmp";
  const auto there = load_at(env_, dir, name_, path_, Owner::kTrusted);
  const ErrorCode code = there ? ErrorCode::kAbsent : there.error().code;
  if (code == ErrorCode::kWrongVersion || code == ErrorCode::kDenied) {
    return Error{code, there.error().text + "; it is left untouched, and no backup is written"};
  }

  if (auto removed = env_.unlink_at(dir, temporary); !removed && removed.error().code != ErrorCode::kAbsent) {
    return removed;
  }
  auto fd = env_.open_at(dir, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) return fd.error();
  Result<void> written = env_.write_all(fd->get(), snapshot);
  if (written) written = env_.sync(fd->get());
  if (!written) {
    static_cast<void>(env_.unlink_at(dir, temporary));
    return written;
  }

  // Only a whole backup may become .prev: a damaged one must not push out the last good one.
  if (there) {
    if (auto kept = env_.rename_at(dir, name_, name_ + ".prev"); !kept) return kept;
  } else if (code == ErrorCode::kDamaged) {
    if (auto aside = env_.rename_at(dir, name_, name_ + ".damaged"); !aside) return aside;
  }
  if (auto renamed = env_.rename_at(dir, temporary, name_); !renamed) return renamed;
  return env_.sync(dir);
}

Result<Loaded> Store::load() {
  auto directory = open_directory(false);
  if (!directory) {
    if (directory.error().code == ErrorCode::kAbsent) return Error{ErrorCode::kAbsent, "there is no backup '" + path_ + "'"};
    return directory.error();
  }
  const int dir = directory->get();
  auto newest = load_at(env_, dir, name_, path_, Owner::kTrusted);
  if (newest) return newest;
  Error problem = newest.error();
  if (problem.code == ErrorCode::kDamaged && env_.rename_at(dir, name_, name_ + ".damaged")) {
    problem.text += "; it is set aside as '" + path_ + ".damaged'";
  }
  auto previous = load_at(env_, dir, name_ + ".prev", path_ + ".prev", Owner::kTrusted);
  if (previous) {
    if (problem.code != ErrorCode::kAbsent) previous->warning_ = problem.text;
    return previous;
  }
  if (problem.code != ErrorCode::kAbsent) return problem;
  if (previous.error().code != ErrorCode::kAbsent) return previous.error();
  return Error{ErrorCode::kAbsent, "there is no backup '" + path_ + "'"};
}

Result<Loaded> Store::load_file(Env& env, const std::string& path) {
  const auto [directory_path, name] = split(path);
  auto directory = env.open_directory(directory_path);
  if (!directory) return directory.error();
  return load_at(env, directory->get(), name, path, Owner::kAnyone);
}

}  // namespace shmconf::backup
