#include "settings/places.h"

#include <cstdlib>

namespace shmconf::settings {
namespace {

// The variable's value if it is an absolute path; the XDG specification has others ignored.
std::optional<std::string> absolute(const Environment& environment, const std::string& name) {
  std::optional<std::string> value = environment(name);
  if (!value || value->empty() || value->front() != '/') return std::nullopt;
  return value;
}

std::optional<std::string> state_directory(uid_t user, const Environment& environment) {
  // systemd lists one directory for each StateDirectory= entry.
  if (auto listed = absolute(environment, "STATE_DIRECTORY")) return listed->substr(0, listed->find(':'));
  if (user == 0) return "/var/lib/shmconf";
  if (auto state = absolute(environment, "XDG_STATE_HOME")) return *state + "/shmconf";
  if (auto home = absolute(environment, "HOME")) return *home + "/.local/state/shmconf";
  return std::nullopt;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Root root_directory(const Settings& settings, uid_t user) {
  if (!settings.directory.empty()) return {settings.directory, false};
  return {"/dev/shm/shmconf-" + std::to_string(user), true};
}

Result<std::string> backup_file(const Settings& settings, uid_t user, const Environment& environment) {
  if (!settings.backup_file.empty()) return settings.backup_file;
  if (const auto directory = state_directory(user, environment)) {
    return *directory + "/" + settings.name + ".snapshot";
  }
  return Error{ErrorCode::kInvalid, "no place for the backup: $HOME is not set; give --backup FILE"};
}

}  // namespace shmconf::settings
