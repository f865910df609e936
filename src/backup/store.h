// Store: the last good snapshot on disk, so that a service keeps its configuration across a restart
// while Consul is away.
//
// At each moment, also after a power loss, the file or its .prev holds a whole snapshot: a new one is
// written beside, synced, then renamed into place. Not thread-safe; one a process. Blocks on the disk.
//
// With a key file (settings/key_file.h), which is read anew by each call, the files are encrypted
// (sealed.h): no byte of a snapshot reaches the disk, and a file that is not encrypted is refused,
// since whoever can put it there could else choose what is served. What an older key of the file
// encrypted is written again with the first one by the next write().
#ifndef SHMCONF_BACKUP_STORE_H_
#define SHMCONF_BACKUP_STORE_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "env/env.h"
#include "settings/key_file.h"
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
  // key_file: empty for files that are not encrypted.
  Store(env::Env& env, std::string path, std::string key_file = {});

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Replaces the backup; the one before becomes .prev, if its content was another one. Bytes that are
  // the backup's already are not written again. On an error the backup on disk is as good as
  // it was. A file of a newer format, one that load() would not trust and one that no key at hand
  // opens are left untouched: kWrongVersion, kDenied. One that is not encrypted, but should be, is
  // replaced and not kept. Errors also: those of the key file, kNoSpace, kSystem.
  Result<void> write(std::span<const std::byte> snapshot);

  // The backup, else .prev. A damaged file is set aside as .damaged. Errors: kAbsent (there is
  // none), kDamaged (none is whole), kWrongVersion (only one of another version), kDenied (a symlink,
  // a file that another user owns or may write, one that no key at hand opens, or that is not
  // encrypted and should be), those of the key file, kSystem.
  Result<Loaded> load();

  // One file as it is, whoever owns it, encrypted or not; nothing is set aside, and .prev is not
  // looked at. The key file is read only for one that is encrypted.
  static Result<Loaded> load_file(env::Env& env, const std::string& path, const std::string& key_file = {});

 private:
  using Keys = std::vector<settings::SecretKey>;

  Result<env::Fd> open_directory();
  Result<env::Fd> make_directory();
  bool set_aside(int directory, const env::FileInfo& damaged);
  Result<void> stage(int directory, std::span<const std::byte> snapshot, const Keys& keys);
  Result<void> renew(int directory, const std::string& name, const Keys& keys);
  Result<void> settle(int directory, const Keys& keys);
  Result<void> drop_plain_previous(int directory);

  env::Env& env_;
  std::string path_;
  std::string key_file_;
  std::string directory_;
  std::string name_;
  bool ancestors_synced_ = false;
};

}  // namespace shmconf::backup

#endif  // SHMCONF_BACKUP_STORE_H_
