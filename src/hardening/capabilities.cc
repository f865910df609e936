#include "hardening/capabilities.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/capability.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "env/env.h"

namespace shmconf::hardening {
namespace {

struct Free {
  void operator()(cap_t set) const noexcept { ::cap_free(set); }
};
using Sets = std::unique_ptr<std::remove_pointer_t<cap_t>, Free>;

bool are_empty(const Sets& sets) {
  const Sets none(::cap_init());
  return none && ::cap_compare(sets.get(), none.get()) == 0;
}

bool has(const Sets& sets, cap_value_t capability) {
  cap_flag_value_t value = CAP_CLEAR;
  return ::cap_get_flag(sets.get(), capability, CAP_PERMITTED, &value) == 0 && value == CAP_SET;
}

// An owner may give files to a group that it is in.
bool join(gid_t group) {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(0, count)));
  if (::getegid() == group || std::find(groups.begin(), groups.end(), group) != groups.end()) return true;
  groups.push_back(group);
  return ::setgroups(groups.size(), groups.data()) == 0;
}

// By opening, which the kernel judges by what is in effect.
bool readable(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

// Nothing is to be made or changed, so it can only be asked for. Before Linux 5.8, which has no faccessat2,
// glibc asks with access(), which for root goes by what is permitted instead of what is in effect: there a
// capability that root needs for this may be given up, and the failure shows when it is needed.
bool reachable(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

// Whether this process, without any capability, may do what the need asks for. Of other failures than
// missing rights, capabilities are no cure.
bool within_reach(const Need& need) {
  switch (need.access) {
    case Need::Access::kRead:
      return readable(need.path) || errno != EACCES;
    case Need::Access::kConnect:
      // Of one that is not there yet nobody knows whose it will be.
      return reachable(need.path, W_OK) || (errno != EACCES && errno != ENOENT);
    case Need::Access::kMakeFiles:
      break;
  }
  std::filesystem::path directory = need.path;
  while (!reachable(directory, W_OK | X_OK)) {
    if (errno != ENOENT || !directory.has_relative_path()) return errno != EACCES;
    directory = directory.parent_path();
  }
  return true;
}

struct Kept {
  cap_value_t capability;
  std::string why;
};

Kept kept_for(const Need& need) {
  const bool reading = need.access == Need::Access::kRead;
  return {reading ? CAP_DAC_READ_SEARCH : CAP_DAC_OVERRIDE,
          std::string("keeps ") + (reading ? "CAP_DAC_READ_SEARCH" : "CAP_DAC_OVERRIDE") + " for " + need.what + " '" +
              need.path + "': chown or chmod it for uid " + std::to_string(::geteuid()) + " to be rid of that"};
}

// Looks with no capability in effect, and leaves it so.
std::vector<Kept> asked_for(const Needs& needs, const Sets& before) {
  std::vector<Kept> kept;
  if (needs.group && !join(*needs.group)) {
    kept.push_back({CAP_CHOWN, "keeps CAP_CHOWN, since it may not join the group that may read the segment"});
  }
  const Sets none(::cap_dup(before.get()));
  if (!none || ::cap_clear_flag(none.get(), CAP_EFFECTIVE) != 0 || ::cap_set_proc(none.get()) != 0) return kept;
  for (const Need& need : needs.paths) {
    if (!within_reach(need)) kept.push_back(kept_for(need));
  }
  std::erase_if(kept, [&](const Kept& entry) { return !has(before, entry.capability); });
  return kept;
}

bool keeps(const std::vector<Kept>& kept, cap_value_t capability) {
  return std::any_of(kept.begin(), kept.end(), [&](const Kept& entry) { return entry.capability == capability; });
}

void lower_bounds(const std::vector<Kept>& kept) {
  for (cap_value_t capability = 0; ::cap_get_bound(capability) >= 0; ++capability) {
    if (!keeps(kept, capability)) ::cap_drop_bound(capability);
  }
  ::cap_reset_ambient();
}

Result<void> keep_only(const std::vector<Kept>& kept) {
  const Sets sets(::cap_init());
  bool set = sets != nullptr;
  for (const Kept& entry : kept) {
    set = set && ::cap_set_flag(sets.get(), CAP_PERMITTED, 1, &entry.capability, CAP_SET) == 0 &&
          ::cap_set_flag(sets.get(), CAP_EFFECTIVE, 1, &entry.capability, CAP_SET) == 0;
  }
  if (set && ::cap_set_proc(sets.get()) == 0) return {};
  return env::system_error(errno, "give up", "capabilities");
}

}  // namespace

std::vector<Note> give_up_capabilities(const Needs& needs) {
  std::vector<Note> notes;
  const Sets before(::cap_get_proc());
  if (!before) return {{Note::Kind::kRefused, env::system_error(errno, "read", "capabilities").text}};
  // Nothing to give up, nor a way to lower the bounds; and a service manager's filter may deny capset(2).
  if (are_empty(before)) return {};
  const std::vector<Kept> kept = asked_for(needs, before);
  for (const Kept& entry : kept) notes.push_back({Note::Kind::kKept, entry.why});
  ::cap_set_proc(before.get());  // CAP_SETPCAP is in effect again
  lower_bounds(kept);
  if (const auto done = keep_only(kept); !done) notes.push_back({Note::Kind::kRefused, done.error().text});
  return notes;
}

}  // namespace shmconf::hardening
