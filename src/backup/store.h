// Store: the last good snapshot on disk, so that a service keeps its configuration across a restart
// while Consul is away.
//
// At each moment, also after a power loss, the file or its .prev holds a whole snapshot: a new one is
// written beside, synced, then renamed into place. Not thread-safe; one a process. Blocks on the disk.
#ifndef SHMCONF_BACKUP_STORE_H_
#define SHMCONF_BACKUP_STORE_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "env/env.h"
#include "shmconf/result.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::backup {

// A backup's bytes in private memory, verified.
class Loaded {
 public:
  Loaded(std::vector<std::byte> bytes, SnapshotView view, std::string path)
      : bytes_(std::move(bytes)), view_(view), path_(std::move(path)) {}
  // Moving a vector keeps its storage, and with it the view.
  Loaded(Loaded&&) = default;
  Loaded& operator=(Loaded&&) = default;

  // The whole file's.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  // Lives as long as this object.
  [[nodiscard]] const SnapshotView& view() const noexcept { return view_; }
  // The file that it came from: the backup, or its .prev.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // What was wrong with the newer file, when this one is .prev; else empty.
  [[nodiscard]] const std::string& warning() const noexcept { return warning_; }

 private:
  friend class Store;

  std::vector<std::byte> bytes_;
  SnapshotView view_;
  std::string path_;
  std::string warning_;
};

class Store {
 public:
  // path is the backup file; write() makes its directory, and those above, when missing (mode 0700).
  Store(env::Env& env, std::string path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Replaces the backup; the one before becomes .prev, if its content was another one. Bytes that are
  // the backup's already are not written again. On an error the backup on disk is as good as
  // it was. A file of a newer format, or one that load() would not trust, is left untouched:
  // kWrongVersion, kDenied. Errors also: kNoSpace, kSystem.
  Result<void> write(std::span<const std::byte> snapshot);

  // The backup, else .prev. A damaged file is set aside as .damaged. Errors: kAbsent (there is
  // none), kDamaged (none is whole), kWrongVersion (only one of another version), kDenied (a symlink,
  // or a file that another user owns or may write), kSystem.
  Result<Loaded> load();

  // One file as it is, whoever owns it; nothing is set aside, and .prev is not looked at.
  static Result<Loaded> load_file(env::Env& env, const std::string& path);

 private:
  Result<env::Fd> open_directory();
  Result<env::Fd> make_directory();
  bool set_aside(int directory, const env::FileInfo& damaged);

  env::Env& env_;
  std::string path_;
  std::string directory_;
  std::string name_;
  bool ancestors_synced_ = false;
};

}  // namespace shmconf::backup

#endif  // SHMCONF_BACKUP_STORE_H_
