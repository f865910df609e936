#include "reader/locate.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "reader/region.h"
#include "reader/shown.h"
#include "shmconf/format.h"

namespace shmconf::reader {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A variable that is set and not empty. Not in programs that run with another's rights.
std::string environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value != nullptr ? value : "";
}

std::string home_directory() {
  std::string home = environment("HOME");
  if (!home.empty()) return home;
  std::array<char, 4096> buffer;
  passwd entry;
  passwd* found = nullptr;
  const int failed = ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return failed == 0 && found != nullptr ? entry.pw_dir : "";
}

std::string default_state_directory() {
  // systemd lists several with colons; the first is the unit's own.
  std::string directory = environment("STATE_DIRECTORY");
  directory = directory.substr(0, directory.find(':'));
  if (!directory.empty()) return directory;
  if (::geteuid() == 0) return "/var/lib/shmconf";
  directory = environment("XDG_STATE_HOME");
  if (!directory.empty()) return directory + "/shmconf";
  directory = home_directory();
  return directory.empty() ? "" : directory + "/.local/state/shmconf";
}

Error bad_name(std::string_view name) {
  return Error{ErrorCode::kInvalid,
               shown(name, 80) +
                   " is no name: use a letter or digit, then at most 63 of A-Z a-z 0-9 . _ -"};
}

}  // namespace

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > format::kMaxNameBytes || !is_letter_or_digit(name[0])) return false;
  for (const char c : name) {
    if (!is_letter_or_digit(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

Result<void> check_path(const std::string& path) {
  if (path.find('\0') == std::string::npos) return {};
  return Error{ErrorCode::kInvalid, "the path " + shown_path(path) + " holds a NUL, where the kernel would cut it off"};
}

Result<std::string> absolute_path(const std::string& path) {
  if (auto sound = check_path(path); !sound) return sound.error();
  std::error_code failed;
  std::string absolute = std::filesystem::absolute(path, failed).string();
  if (failed) return system_error(failed.value(), "find", path);
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  return absolute;
}

Result<Location> locate(std::string_view name, const OpenOptions& options) {
  Location location;
  location.name = name.empty() ? environment("SHMCONF_NAME") : std::string(name);
  if (location.name.empty()) {
    return Error{ErrorCode::kInvalid, "no name was given, and SHMCONF_NAME is not set"};
  }
  if (!is_name(location.name)) return bad_name(location.name);
  location.root = options.directory.empty() ? environment("SHMCONF_DIR") : options.directory;
  if (location.root.empty()) {
    location.root = "/dev/shm/shmconf-" + std::to_string(::geteuid());
    location.root_is_default = true;
  }
  auto absolute = absolute_path(location.root);
  if (!absolute) return absolute.error();
  location.root = std::move(*absolute);
  return location;
}

Result<Location> locate_directory(const std::string& path) {
  auto absolute = absolute_path(path);
  if (!absolute) return absolute.error();
  const std::size_t slash = absolute->rfind('/');
  Location location;
  location.name = absolute->substr(slash + 1);
  location.root = slash == 0 ? "/" : absolute->substr(0, slash);
  if (!is_name(location.name)) return bad_name(location.name);
  return location;
}

BackupLocation locate_backup(const std::string& name, const std::string& chosen,
                             const std::string& named_by_segment) {
  if (!chosen.empty()) return {chosen, false};
  if (!named_by_segment.empty()) return {named_by_segment, true};
  if (std::string file = environment("SHMCONF_BACKUP"); !file.empty()) return {std::move(file), false};
  const std::string directory = default_state_directory();
  if (directory.empty()) return {};
  return {directory + "/" + name + ".snapshot", true};
}

}  // namespace shmconf::reader
