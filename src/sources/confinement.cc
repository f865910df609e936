#include "sources/confinement.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "settings/places.h"

namespace shmconf::sources {
namespace {

using Access = hardening::Need::Access;

constexpr std::string_view kUnixScheme = "unix://";

}  // namespace

hardening::Needs needs_of(const settings::Settings& settings, const shm::Place& place) {
  hardening::Needs needs{.paths = {}, .group = place.group};
  const auto need = [&needs](const char* what, const std::string& path, Access access) {
    if (!path.empty()) needs.paths.push_back({what, path, access});
  };
  // The segment may be removed, and is then made again.
  need("the segment's root", place.root, Access::kMakeFiles);
  if (const auto backup = settings::backup_file(settings, ::geteuid(), settings::process_environment())) {
    need("the backup's directory", std::filesystem::path(*backup).parent_path(), Access::kMakeFiles);
  }
  need("the backup's key file", settings.backup_key_file, Access::kRead);
  const settings::Consul& consul = settings.consul;
  need("the token file", consul.token_file, Access::kRead);
  need("the authorities", consul.tls.ca_file, Access::kRead);
  need("the authorities", consul.tls.ca_path, Access::kRead);
  need("the client certificate", consul.tls.certificate_file, Access::kRead);
  need("the client certificate's key", consul.tls.key_file, Access::kRead);
  if (consul.address.starts_with(kUnixScheme)) {
    need("Consul's socket", consul.address.substr(kUnixScheme.size()), Access::kConnect);
  }
  return needs;
}

void confine(const settings::Settings& settings, const shm::Place& place) {
  if (!settings.hardening) return;
  for (const hardening::Note& note : hardening::confine(needs_of(settings, place))) {
    if (note.kind == hardening::Note::Kind::kKept) {
      spdlog::info("{}", note.text);
    } else {
      spdlog::warn("not hardened as it should be: {}; --hardening=false silences this", note.text);
    }
  }
}

}  // namespace shmconf::sources
