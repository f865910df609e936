#include "backup/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "backup/sealed.h"

namespace shmconf::backup {
namespace {

using env::Env;
using env::Fd;
using env::FileInfo;
using settings::SecretKey;
using Keys = std::vector<SecretKey>;

constexpr std::uint64_t kLimitBytes = std::uint64_t{32} << 30;

enum class Owner : std::uint8_t { kTrusted, kAnyone };

enum class Form : std::uint8_t { kUnknown, kPlain, kSealed, kSealedByOlderKey };

// A file that was opened; it keeps its inode number while this is open.
struct Opened {
  Fd fd;
  FileInfo info;
  Form form = Form::kUnknown;
};

// Every key of the file; none where there is no file.
Result<Keys> keys_of(const std::string& key_file) {
  if (key_file.empty()) return Keys();
  return settings::read_key_file(key_file);
}

// What both forms have first.
struct Beginning {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t other;
  std::uint64_t total_bytes;
};
template <typename Header>
constexpr bool kBeginsSo = offsetof(Header, magic) == offsetof(Beginning, magic) &&
                           offsetof(Header, version) == offsetof(Beginning, version) &&
                           offsetof(Header, total_bytes) == offsetof(Beginning, total_bytes);
static_assert(kBeginsSo<format::SnapshotHeader> && kBeginsSo<format::SealedHeader>);

// The form of a file that begins as one does, and is as long as it says: so that no memory is taken for
// any other. Files of other versions pass; their length is not known.
Result<Form> form_of(Env& env, const Opened& opened) {
  Beginning beginning;
  if (auto read = env.read_at(opened.fd.get(), 0, std::as_writable_bytes(std::span(&beginning, 1))); !read) {
    return read.error();
  }
  const bool sealed = is_sealed(std::as_bytes(std::span(beginning.magic)));
  if (!sealed && beginning.magic != format::kSnapshotMagic) {
    return Error{ErrorCode::kDamaged, "it does not begin like a backup of shmconf"};
  }
  const bool known = beginning.version == (sealed ? format::kSealedVersion : format::kSnapshotVersion);
  if (known && beginning.total_bytes != opened.info.size_bytes) {
    return Error{ErrorCode::kDamaged, "it holds " + std::to_string(opened.info.size_bytes) + " bytes instead of " +
                                          std::to_string(beginning.total_bytes)};
  }
  return sealed ? Form::kSealed : Form::kPlain;
}

Result<void> check_form(Form form, const Keys& keys, Owner owner) {
  if (form == Form::kSealed && keys.empty()) {
    return Error{ErrorCode::kDenied, "it is encrypted: name its key with --backup-key-file"};
  }
  if (form == Form::kPlain && !keys.empty() && owner == Owner::kTrusted) {
    return Error{ErrorCode::kDenied,
                 "it is not encrypted, but a key file is set, so it may be anybody's: if it is yours, encrypt it "
                 "with 'shmconf dump --json --show-secrets' and 'shmconf pack --backup-key-file'"};
  }
  return {};
}

// The snapshot's bytes out of an encrypted file's.
Result<std::vector<std::byte>> opened_up(std::vector<std::byte> bytes, const Keys& keys, Form& form) {
  auto unsealed = unseal(std::move(bytes), keys);
  if (!unsealed) {
    const bool wrong_key = unsealed.error().code == ErrorCode::kDenied;
    return Error{unsealed.error().code,
                 unsealed.error().text + (wrong_key ? ": add that key to the key file as a further line" : "")};
  }
  if (!unsealed->by_first_key) form = Form::kSealedByOlderKey;
  return std::move(unsealed->snapshot);
}

// Reads and verifies one file, and leaves it open in `opened`.
Result<Loaded> load_at(Env& env, int directory, const std::string& name, const std::string& path, Owner owner,
                       const Keys& keys, Opened& opened) {
  auto fd = env.open_at(directory, name, O_RDONLY | O_NONBLOCK);
  if (!fd && fd.error().code == ErrorCode::kDenied) {
    return Error{ErrorCode::kDenied, "the backup '" + path + "' cannot be opened (" + fd.error().text +
                                         "): remove it, or name another with --backup"};
  }
  if (!fd) return fd.error();
  auto info = env.info(fd->get());
  if (!info) return info.error();
  opened = {.fd = std::move(*fd), .info = *info, .form = Form::kUnknown};
  if (!S_ISREG(info->mode)) {
    return Error{ErrorCode::kDenied, "the backup '" + path + "' is not a regular file: name another with --backup"};
  }
  const bool trusted = (info->owner == ::geteuid() || info->owner == 0) && (info->mode & 022) == 0;
  if (owner == Owner::kTrusted && !trusted) {
    return Error{ErrorCode::kDenied, "the backup '" + path + "' belongs to, or may be written by, another user: " +
                                         "check it with 'shmconf dump', then chown and chmod 600 it"};
  }
  const auto in_file = [&](const Error& error) { return Error{error.code, "backup '" + path + "': " + error.text}; };
  const auto form = form_of(env, opened);
  if (!form) return in_file(form.error());
  opened.form = *form;
  if (auto expected = check_form(*form, keys, owner); !expected) return in_file(expected.error());
  // Read, not mapped: a map of a file that shrinks is a SIGBUS.
  auto bytes = env.read_all(opened.fd.get(), kLimitBytes);
  if (!bytes) return bytes.error();
  if (opened.form == Form::kSealed) bytes = opened_up(std::move(*bytes), keys, opened.form);
  if (!bytes) return in_file(bytes.error());
  auto view = SnapshotView::open(*bytes);
  if (!view) return in_file(view.error());
  if (auto sound = view->verify(); !sound) return in_file(sound.error());
  return Loaded(std::move(*bytes), *view, path);
}

bool same_content(const SnapshotView& a, const SnapshotView& b) {
  return a.header().content_hash == b.header().content_hash && a.header().key_count == b.header().key_count;
}

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// The directories above this one, the outermost first: "/", "/var", "/var/lib".
std::vector<std::string> ancestors(const std::string& directory) {
  std::vector<std::string> above = {directory.starts_with('/') ? "/" : "."};
  for (auto slash = directory.find('/', 1); slash != std::string::npos; slash = directory.find('/', slash + 1)) {
    above.push_back(directory.substr(0, slash));
  }
  return above;
}

}  // namespace

Store::Store(Env& env, std::string path, std::string key_file)
    : env_(env), path_(std::move(path)), key_file_(std::move(key_file)) {
  std::tie(directory_, name_) = split(path_);
}

Result<Fd> Store::open_directory() { return env_.open_directory(directory_); }

Result<Fd> Store::make_directory() {
  const auto parts = ancestors(directory_);
  auto directory = open_directory();
  if (!directory && directory.error().code == ErrorCode::kAbsent) {
    for (std::size_t i = 1; i <= parts.size(); ++i) {
      const std::string& part = i < parts.size() ? parts[i] : directory_;
      const auto made = env_.make_directory(part, 0700);
      if (!made && !env_.info_at(AT_FDCWD, part)) return made.error();
    }
    directory = open_directory();
  }
  // Until the directory above is synced, a power loss takes a new one with all that is in it; the
  // process that made it may have ended before that.
  for (const std::string& part : parts) {
    if (!directory || ancestors_synced_) break;
    const auto above = env_.open_directory(part + "/.");  // what a symlink there leads to
    // That this user may go through it, but not read it, denies the sync, not the backup.
    if (!above && above.error().code == ErrorCode::kDenied) continue;
    if (!above) return above.error();
    // EROFS, which of a sync alone is kDenied: nothing was made in a file system that is read-only. Of
    // the backup's own directory it is an error.
    const auto synced = env_.sync(above->get());
    if (!synced && synced.error().code != ErrorCode::kDenied) return synced.error();
  }
  ancestors_synced_ |= directory.ok();
  return directory;
}

Result<void> Store::write(std::span<const std::byte> snapshot) {
  const auto keys = keys_of(key_file_);
  if (!keys) return keys.error();
  auto directory = make_directory();
  if (!directory) return directory.error();
  const int dir = directory->get();
  Opened opened;
  const auto there = load_at(env_, dir, name_, path_, Owner::kTrusted, *keys, opened);
  // The newer one last: until then, this is done again.
  if (there && opened.form == Form::kSealedByOlderKey) {
    for (const std::string& name : {name_ + ".prev", name_}) {
      if (auto renewed = renew(dir, name, *keys); !renewed) return renewed;
    }
  }
  // The write that put them there may have ended before its last steps.
  if (there && std::ranges::equal(there->bytes(), snapshot)) return settle(dir, *keys);
  const ErrorCode code = there ? ErrorCode::kAbsent : there.error().code;
  const bool unencrypted = !keys->empty() && opened.form == Form::kPlain;
  if (code == ErrorCode::kWrongVersion || (code == ErrorCode::kDenied && !unencrypted)) {
    return Error{code, there.error().text + "; it is left untouched, and no backup is written"};
  }

  if (auto staged = stage(dir, snapshot, *keys); !staged) return staged;
  Result<void> placed;
  // Only a whole backup may become .prev: a damaged one must not push out the last good one, nor one
  // of the same content the one before. Nor one that is refused: encrypted, it would be trusted.
  if (there) {
    const auto newer = SnapshotView::open(snapshot);
    if (!newer || !same_content(*newer, there->view())) placed = env_.rename_at(dir, name_, name_ + ".prev");
  } else if (code == ErrorCode::kDamaged) {
    static_cast<void>(set_aside(dir, opened.info));
  }
  if (placed) placed = env_.rename_at(dir, name_ + ".tmp", name_);
  if (!placed) {
    static_cast<void>(env_.unlink_at(dir, name_ + ".tmp"));  // it holds space that others may need
    return placed;
  }
  return settle(dir, *keys);
}

// The last steps of each write.
Result<void> Store::settle(int directory, const Keys& keys) {
  if (auto synced = env_.sync(directory); !synced) return synced;
  return keys.empty() ? Result<void>() : drop_plain_previous(directory);
}

// Leaves the file that is to be renamed into place.
Result<void> Store::stage(int directory, std::span<const std::byte> snapshot, const Keys& keys) {
  std::vector<std::byte> sealed;
  if (!keys.empty()) {
    auto made = seal(snapshot, keys.front());
    if (!made) return made.error();
    sealed = std::move(*made);
    snapshot = sealed;
  }
  const std::string temporary = name_ + ".tmp";
  if (auto removed = env_.unlink_at(directory, temporary); !removed && removed.error().code != ErrorCode::kAbsent) {
    return removed;
  }
  auto fd = env_.open_at(directory, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!fd) return fd.error();
  Result<void> written = env_.write_all(fd->get(), snapshot);
  // A file whose sync failed is not to be trusted, not even when a second one succeeds: the kernel may
  // have dropped what it could not write.
  if (written) written = env_.sync(fd->get());
  if (!written) static_cast<void>(env_.unlink_at(directory, temporary));
  return written;
}

// Encrypts a file with the first key that an older one encrypted; any other file is let be.
Result<void> Store::renew(int directory, const std::string& name, const Keys& keys) {
  Opened opened;
  const auto loaded = load_at(env_, directory, name, name, Owner::kTrusted, keys, opened);
  if (!loaded || opened.form != Form::kSealedByOlderKey) return {};
  if (auto staged = stage(directory, loaded->bytes(), keys); !staged) return staged;
  if (auto renamed = env_.rename_at(directory, name_ + ".tmp", name); !renamed) return renamed;
  return env_.sync(directory);
}

// What was written before there was a key is of no use to this store, and still tells its secrets.
Result<void> Store::drop_plain_previous(int directory) {
  const std::string name = name_ + ".prev";
  const auto fd = env_.open_at(directory, name, O_RDONLY | O_NONBLOCK);
  if (!fd) return {};
  std::array<char, format::kSnapshotMagic.size()> magic{};
  const auto read = env_.read_at(fd->get(), 0, std::as_writable_bytes(std::span(magic)));
  if (!read || magic != format::kSnapshotMagic) return {};
  if (auto removed = env_.unlink_at(directory, name); !removed) return removed;
  return env_.sync(directory);
}

// False: it is not there any more; another process replaced it, or was faster.
bool Store::set_aside(int directory, const FileInfo& damaged) {
  const auto there = env_.info_at(directory, name_);
  if (!there || there->device != damaged.device || there->inode != damaged.inode) return false;
  return env_.rename_at(directory, name_, name_ + ".damaged").ok();
}

Result<Loaded> Store::load() {
  const auto keys = keys_of(key_file_);
  if (!keys) return keys.error();
  auto directory = open_directory();
  if (!directory) {
    if (directory.error().code == ErrorCode::kAbsent) return Error{ErrorCode::kAbsent, "there is no backup '" + path_ + "'"};
    return directory.error();
  }
  const int dir = directory->get();
  Opened opened;
  auto newest = load_at(env_, dir, name_, path_, Owner::kTrusted, *keys, opened);
  if (!newest && newest.error().code == ErrorCode::kDamaged) {
    const bool set = set_aside(dir, opened.info);
    if (set) {
      newest = Error{ErrorCode::kDamaged, newest.error().text + "; it is set aside as '" + path_ + ".damaged'"};
    } else {
      newest = load_at(env_, dir, name_, path_, Owner::kTrusted, *keys, opened);  // what replaced it
    }
  }
  if (newest) return newest;
  const Error problem = newest.error();
  auto previous = load_at(env_, dir, name_ + ".prev", path_ + ".prev", Owner::kTrusted, *keys, opened);
  if (previous) {
    if (problem.code != ErrorCode::kAbsent) previous->warning_ = problem.text;
    return previous;
  }
  if (problem.code != ErrorCode::kAbsent) return problem;
  if (previous.error().code != ErrorCode::kAbsent) return previous.error();
  return Error{ErrorCode::kAbsent, "there is no backup '" + path_ + "'"};
}

Result<Loaded> Store::load_file(Env& env, const std::string& path, const std::string& key_file) {
  const auto [directory_path, name] = split(path);
  auto directory = env.open_directory(directory_path);
  if (!directory) return directory.error();
  Opened opened;
  auto loaded = load_at(env, directory->get(), name, path, Owner::kAnyone, {}, opened);
  if (loaded || opened.form != Form::kSealed || key_file.empty()) return loaded;
  const auto keys = keys_of(key_file);
  if (!keys) return keys.error();
  return load_at(env, directory->get(), name, path, Owner::kAnyone, *keys, opened);
}

}  // namespace shmconf::backup
