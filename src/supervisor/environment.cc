#include "supervisor/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "settings/field_table.h"
#include "settings/settings_loader.h"

namespace shmconf::supervisor {
namespace {

// Of the service manager, for this process: the notify socket, the watchdog, and the sockets.
constexpr std::array<std::string_view, 3> kNotifications = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
constexpr std::array<std::string_view, 3> kSockets = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"};

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

template <typename Names>
bool is_among(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Secrets themselves, and the paths of files that hold them.
std::vector<std::string> withheld_variables() {
  std::vector<std::string> names = settings::secret_variables();
  for (const std::string_view path : {"/consul/token_file", "/consul/tls/key_file"}) {
    const settings::Field* field = settings::field_by_path(path);
    if (field == nullptr) continue;
    names.emplace_back(field->variable);
    names.emplace_back(field->consul_variable);
  }
  return names;
}

template <typename Unwanted>
Environment without(const Environment& environment, Unwanted unwanted) {
  Environment kept;
  std::copy_if(environment.begin(), environment.end(), std::back_inserter(kept),
               [&](const std::string& entry) { return !unwanted(name_of(entry)); });
  return kept;
}

}  // namespace

Environment own_environment() {
  Environment environment;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

Environment sidecar_environment(const Environment& environment) {
  const std::vector<std::string> settings = settings::setting_variables();
  return without(environment, [&](std::string_view name) {
    return is_among(settings, name) || is_among(kNotifications, name) || is_among(kSockets, name);
  });
}

Environment command_environment(const Environment& environment, const std::string& name,
                                const std::string& root) {
  const std::vector<std::string> withheld = withheld_variables();
  Environment result = without(environment, [&](std::string_view entry) {
    return is_among(withheld, entry) || is_among(kNotifications, entry) || entry == "SHMCONF_NAME" ||
           entry == "SHMCONF_DIR";
  });
  result.push_back("SHMCONF_NAME=" + name);
  result.push_back("SHMCONF_DIR=" + root);
  return result;
}

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = std::find_if(environment.begin(), environment.end(), [&](const std::string& entry) {
    return entry.size() > name.size() && name_of(entry) == name;
  });
  return found == environment.end() ? std::string() : found->substr(name.size() + 1);
}

}  // namespace shmconf::supervisor
