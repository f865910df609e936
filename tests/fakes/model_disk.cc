#include "fakes/model_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace shmconf::fakes {
namespace {

constexpr std::size_t kPageBytes = 4096;

std::pair<std::string, std::string> split(const std::string& path) {
  const auto slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

ModelDisk::ModelDisk() : inodes_(1) {
  inodes_[kRoot].is_directory = true;
  inodes_[kRoot].mode = S_IFDIR | 0755;
}

// --- power cuts ---------------------------------------------------------------------------------

std::vector<std::unique_ptr<ModelDisk>> ModelDisk::after_power_cut() const {
  std::vector<std::unique_ptr<ModelDisk>> disks;
  for (std::vector<Inode>& inodes : directories_after_cut()) {
    std::vector<std::vector<Inode>> states = {std::move(inodes)};
    for (const std::size_t file : reachable_dirty_files(states.front())) {
      std::vector<std::vector<Inode>> more;
      for (const Bytes& bytes : remains_of(inodes_[file])) {
        for (std::vector<Inode> state : states) {
          state[file].bytes = state[file].durable_bytes = bytes;
          state[file].dirty = state[file].lost = false;
          more.push_back(std::move(state));
        }
      }
      states = std::move(more);
    }
    for (auto& state : states) {
      disks.push_back(std::make_unique<ModelDisk>());
      disks.back()->inodes_ = std::move(state);
    }
  }
  return disks;
}

// One state for each subset of the changes that are pending in each directory.
std::vector<std::vector<ModelDisk::Inode>> ModelDisk::directories_after_cut() const {
  std::vector<std::vector<Inode>> states = {inodes_};
  for (std::size_t i = 0; i < inodes_.size(); ++i) {
    if (!inodes_[i].is_directory) continue;
    const std::vector<Change>& pending = inodes_[i].pending;
    std::vector<std::vector<Inode>> more;
    for (std::size_t subset = 0; subset < std::size_t{1} << pending.size(); ++subset) {
      Entries entries = inodes_[i].durable_entries;
      for (std::size_t c = 0; c < pending.size(); ++c) {
        if ((subset >> c & 1) != 0) apply(entries, pending[c]);
      }
      for (std::vector<Inode> state : states) {
        state[i].entries = state[i].durable_entries = entries;
        state[i].pending.clear();
        more.push_back(std::move(state));
      }
    }
    states = std::move(more);
  }
  return states;
}

std::vector<std::size_t> ModelDisk::reachable_dirty_files(const std::vector<Inode>& inodes) const {
  std::vector<std::size_t> files;
  std::vector<std::size_t> directories = {kRoot};
  while (!directories.empty()) {
    const Inode& directory = inodes[directories.back()];
    directories.pop_back();
    for (const auto& [name, inode] : directory.entries) {
      if (inodes[inode].is_directory) {
        directories.push_back(inode);
      } else if (inodes[inode].dirty && std::ranges::find(files, inode) == files.end()) {
        files.push_back(inode);
      }
    }
  }
  return files;
}

std::vector<ModelDisk::Bytes> ModelDisk::remains_of(const Inode& file) {
  const std::size_t size = file.bytes.size();
  std::vector<Bytes> remains = {file.durable_bytes, file.bytes};
  for (std::size_t kept = 0; kept < size; kept += kPageBytes) {
    Bytes prefix(file.bytes.begin(), file.bytes.begin() + static_cast<std::ptrdiff_t>(kept));
    remains.push_back(prefix);
    prefix.resize(size, std::byte{0});
    remains.push_back(prefix);
    std::fill(prefix.begin() + static_cast<std::ptrdiff_t>(kept), prefix.end(), std::byte{0xA5});
    remains.push_back(std::move(prefix));
  }
  return remains;
}

std::string ModelDisk::fingerprint() const {
  std::string text;
  std::vector<std::pair<std::string, std::size_t>> rest = {{"", kRoot}};
  while (!rest.empty()) {
    const auto [path, directory] = rest.back();
    rest.pop_back();
    for (const auto& [name, inode] : inodes_[directory].entries) {
      const Inode& there = inodes_[inode];
      text += path + "/" + name + ":" + std::to_string(there.bytes.size()) + ":";
      text.append(reinterpret_cast<const char*>(there.bytes.data()), there.bytes.size());
      if (there.is_directory) rest.emplace_back(path + "/" + name, inode);
    }
  }
  return text;
}

void ModelDisk::apply(Entries& entries, const Change& change) {
  if (!change.from.empty()) entries.erase(change.from);
  if (!change.to.empty()) entries[change.to] = change.inode;
}

void ModelDisk::change(std::size_t directory, Change change) {
  apply(inodes_[directory].entries, change);
  inodes_[directory].pending.push_back(std::move(change));
  stepped();
}

// --- faults -------------------------------------------------------------------------------------

void ModelDisk::fail_at(int at, int errno_value) {
  count_ = 0;
  at_ = at;
  errno_value_ = errno_value;
}

void ModelDisk::forget_sync_at(int at) {
  syncs_ = 0;
  forgotten_sync_ = at;
}

int ModelDisk::fault() { return ++count_ == at_ ? errno_value_ : 0; }

Error ModelDisk::failed_with(int errno_value, const std::string& operation, const std::string& subject) {
  stepped();
  return env::system_error(errno_value, operation, subject);
}

Error ModelDisk::no_such_operation(const std::string& name) {
  return env::system_error(ENOSYS, name, "a model disk");
}

void ModelDisk::damage(const std::string& path) {
  Inode& file = inodes_[find(path)];
  file.bytes.back() ^= std::byte{1};
  file.durable_bytes = file.bytes;
}

// --- operations ---------------------------------------------------------------------------------

std::size_t ModelDisk::find(const std::string& path) const {
  std::size_t inode = kRoot;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    const auto entry = inodes_[inode].entries.find(name);
    if (entry == inodes_[inode].entries.end()) return kNone;
    inode = entry->second;
  }
  return inode;
}

std::size_t ModelDisk::find_at(int dir, const std::string& name) const {
  if (dir == AT_FDCWD) return find(name);
  const Entries& entries = inodes_[inode_of(dir)].entries;
  const auto entry = entries.find(name);
  return entry == entries.end() ? kNone : entry->second;
}

env::Fd ModelDisk::opened(std::size_t inode) {
  env::Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  open_[fd.get()] = inode;
  return fd;
}

Result<env::Fd> ModelDisk::open_directory(const std::string& path) {
  if (const int error = fault()) return failed_with(error, "open directory", path);
  const std::size_t inode = find(path);
  if (inode == kNone) return env::system_error(ENOENT, "open directory", path);
  if (!inodes_[inode].is_directory) return env::system_error(ENOTDIR, "open directory", path);
  return opened(inode);
}

Result<void> ModelDisk::make_directory(const std::string& path, mode_t mode) {
  if (const int error = fault()) return failed_with(error, "make directory", path);
  const auto [parent_path, name] = split(path);
  const std::size_t parent = find(parent_path);
  if (parent == kNone) return env::system_error(ENOENT, "make directory", path);
  if (find(path) != kNone) return env::system_error(EEXIST, "make directory", path);
  inodes_.emplace_back();
  inodes_.back().is_directory = true;
  inodes_.back().mode = S_IFDIR | mode;
  change(parent, {.from = {}, .to = name, .inode = inodes_.size() - 1});
  return {};
}

Result<env::Fd> ModelDisk::open_at(int dir, const std::string& name, int flags, mode_t mode) {
  if (const int error = fault()) return failed_with(error, "open", name);
  std::size_t inode = find_at(dir, name);
  const bool makes = (flags & O_CREAT) != 0;
  if (inode != kNone && makes && (flags & O_EXCL) != 0) return env::system_error(EEXIST, "open", name);
  if (inode == kNone && !makes) return env::system_error(ENOENT, "open", name);
  if (inode == kNone) {
    inode = inodes_.size();
    inodes_.emplace_back();
    inodes_.back().mode = S_IFREG | mode;
    change(inode_of(dir), {.from = {}, .to = name, .inode = inode});
  }
  return opened(inode);
}

Result<env::FileInfo> ModelDisk::info(int fd) {
  if (const int error = fault()) return failed_with(error, "stat", "a descriptor");
  const std::size_t inode = inode_of(fd);
  return env::FileInfo{.device = 1,
                       .inode = inode,
                       .size_bytes = inodes_[inode].bytes.size(),
                       .mode = inodes_[inode].mode,
                       .owner = ::geteuid(),
                       .group = ::getegid()};
}

Result<env::FileInfo> ModelDisk::info_at(int dir, const std::string& name) {
  const std::size_t inode = find_at(dir, name);
  if (inode == kNone) {
    if (const int error = fault()) return failed_with(error, "stat", name);
    return env::system_error(ENOENT, "stat", name);
  }
  const env::Fd fd = opened(inode);
  return info(fd.get());
}

Result<void> ModelDisk::write_all(int fd, std::span<const std::byte> bytes) {
  Inode& file = inodes_[inode_of(fd)];
  const int error = fault();
  if (error != 0) bytes = bytes.first(bytes.size() / 2);
  file.bytes.insert(file.bytes.end(), bytes.begin(), bytes.end());
  file.dirty = true;
  stepped();
  if (error != 0) return env::system_error(error, "write", "a descriptor");
  return {};
}

Result<std::vector<std::byte>> ModelDisk::read_all(int fd, std::uint64_t) {
  if (const int error = fault()) return failed_with(error, "read", "a descriptor");
  return inodes_[inode_of(fd)].bytes;
}

Result<void> ModelDisk::read_at(int fd, std::uint64_t offset, std::span<std::byte> bytes) {
  if (const int error = fault()) return failed_with(error, "read", "a descriptor");
  const Bytes& there = inodes_[inode_of(fd)].bytes;
  if (offset + bytes.size() > there.size()) return Error{ErrorCode::kDamaged, "the file ends before that"};
  std::copy_n(there.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
  return {};
}

Result<void> ModelDisk::sync(int fd) {
  Inode& inode = inodes_[inode_of(fd)];
  if (const int error = fault()) {
    if (!inode.is_directory) inode.lost = true;
    return failed_with(error, "sync", "a descriptor");
  }
  if (++syncs_ != forgotten_sync_) {
    inode.durable_entries = inode.entries;
    inode.pending.clear();
    if (!inode.lost) {
      inode.durable_bytes = inode.bytes;
      inode.dirty = false;
    }
  }
  stepped();
  return {};
}

Result<void> ModelDisk::rename_at(int dir, const std::string& from, const std::string& to) {
  if (const int error = fault()) return failed_with(error, "rename", from);
  const std::size_t inode = find_at(dir, from);
  if (inode == kNone) return env::system_error(ENOENT, "rename", from);
  change(inode_of(dir), {.from = from, .to = to, .inode = inode});
  return {};
}

Result<void> ModelDisk::unlink_at(int dir, const std::string& name) {
  if (const int error = fault()) return failed_with(error, "remove", name);
  if (find_at(dir, name) == kNone) return env::system_error(ENOENT, "remove", name);
  change(inode_of(dir), {.from = name, .to = {}, .inode = kNone});
  return {};
}

}  // namespace shmconf::fakes
