#include "settings/settings_loader.h"

#include <algorithm>
#include <filesystem>

#include "settings/address.h"
#include "settings/assembly.h"
#include "settings/key_file.h"
#include "settings/listen_address.h"
#include "settings/name.h"
#include "settings/settings_file.h"
#include "settings/text_file.h"

namespace shmconf::settings {
namespace {

constexpr const char* kConfigVariable = "SHMCONF_CONFIG";
// Where the service manager puts what LoadCredential= names (systemd.exec(5)).
constexpr const char* kCredentialsVariable = "CREDENTIALS_DIRECTORY";

std::optional<std::string> non_empty(const Environment& environment, std::string_view name) {
  if (name.empty()) return std::nullopt;
  std::optional<std::string> value = environment(std::string(name));
  if (value && value->empty()) return std::nullopt;
  return value;
}

// For what the file leaves empty, those that are there: which ones a unit loads is the operator's choice.
void take_credentials(const Environment& environment, Scope scope, Assembly& assembly) {
  const auto directory = non_empty(environment, kCredentialsVariable);
  if (!directory || scope == Scope::kReader) return;
  for (const Field& field : field_table()) {
    if (field.credential.empty() || !std::get<TextSlot>(field.slot).at(assembly.draft()).empty()) continue;
    const std::string file = *directory + "/" + std::string(field.credential);
    std::error_code failure;
    if (!std::filesystem::exists(file, failure)) continue;
    assembly.set_text(field, file, {Layer::kCredential, "credential " + std::string(field.credential)});
  }
}

void read_variables(const Environment& environment, Scope scope, Layer layer, Assembly& assembly) {
  for (const Field& field : field_table()) {
    if (scope == Scope::kReader && !field.for_readers) continue;
    if (scope == Scope::kServer && field.secret) continue;
    const std::string_view name = layer == Layer::kVariable ? field.variable : field.consul_variable;
    if (const auto value = non_empty(environment, name)) {
      assembly.set_text(field, *value, {layer, std::string(name)});
    }
  }
}

void read_flags(const Flags& flags, Assembly& assembly) {
  for (const auto& [flag, value] : flags.values) {
    if (const Field* field = field_by_flag(flag)) {
      assembly.set_text(*field, value, {Layer::kFlag, flag});
    } else {
      assembly.complain(flag, {"is not a flag of any setting", "see --help for those that exist"});
    }
  }
}

// --- what concerns more than one value ---

void check_sources(Assembly& assembly) {
  const auto& sources = assembly.draft().settings.sources;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto same =
        std::find(sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(i), sources[i]);
    if (same == sources.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    assembly.complain(assembly.source_places()[i],
                      {in_quotes(sources[i].path) + " is named twice",
                       "keep the later one, which wins anyway"});
  }
}

// Within a layer the file wins, as with Consul's tools; between layers the stronger one does.
void choose_token(Assembly& assembly) {
  Consul& consul = assembly.draft().settings.consul;
  const bool token_is_stronger =
      assembly.origin("/consul/token").layer > assembly.origin("/consul/token_file").layer;
  if (!consul.token.empty() && token_is_stronger) consul.token_file.clear();
}

void check_token_file(Assembly& assembly) {
  constexpr std::size_t kLargestTokenBytes = 64 * 1024;
  const std::string& path = assembly.draft().settings.consul.token_file;
  if (path.empty()) return;
  const std::string where = assembly.origin("/consul/token_file").where;
  std::error_code failure;
  const auto kind = std::filesystem::status(path, failure).type();
  // A pipe would keep us waiting for its writer, and give its token once.
  if (kind == std::filesystem::file_type::fifo || kind == std::filesystem::file_type::socket ||
      kind == std::filesystem::file_type::character) {
    return assembly.complain(where, {"the token file " + in_quotes(path) + " is not a regular file",
                                     "write the token into a file, which is read again whenever it changes"});
  }
  const Result<std::string> text = read_text_file(path, kLargestTokenBytes);
  if (!text) {
    return assembly.complain(where,
                             {"the token file " + in_quotes(path) + " cannot be read: " + text.error().text,
                                     "name a file that this user may read"});
  }
  const std::size_t first = text->find_first_not_of(" \t\r\n");
  if (first == std::string::npos) {
    return assembly.complain(where,
                             {"the token file " + in_quotes(path) + " is empty", "write the token into it"});
  }
  const std::size_t last = text->find_last_not_of(" \t\r\n");
  if (examine_secret(std::string_view(*text).substr(first, last - first + 1))) {
    assembly.complain(where, {"the token file " + in_quotes(path) + " holds more than a line of text",
                              "write nothing but the token into it"});
  }
}

void check_backup_key_file(Assembly& assembly) {
  const std::string& path = assembly.draft().settings.backup_key_file;
  if (path.empty()) return;
  const auto keys = read_key_file(path);
  if (keys) return;
  assembly.complain(assembly.origin("/backup_key_file").where,
                    {keys.error().text, "make one with: (umask 077; openssl rand -hex 32 > FILE)"});
}

void check_tls_file(Assembly& assembly, std::string_view setting, const std::string& path) {
  constexpr std::size_t kLargestPemBytes = std::size_t{16} << 20;
  if (path.empty()) return;
  const Result<std::string> text = read_text_file(path, kLargestPemBytes);
  if (text) return;
  assembly.complain(assembly.origin(setting).where,
                    {"the file " + in_quotes(path) + " cannot be read: " + text.error().text,
                     "name a PEM file that this user may read"});
}

void check_tls(Assembly& assembly) {
  const Consul& consul = assembly.draft().settings.consul;
  if (!consul.address.starts_with("https://")) return;
  check_tls_file(assembly, "/consul/tls/ca_file", consul.tls.ca_file);
  check_tls_file(assembly, "/consul/tls/certificate_file", consul.tls.certificate_file);
  check_tls_file(assembly, "/consul/tls/key_file", consul.tls.key_file);
  std::error_code failure;
  if (!consul.tls.ca_path.empty() && !std::filesystem::is_directory(consul.tls.ca_path, failure)) {
    assembly.complain(assembly.origin("/consul/tls/ca_path").where,
                      {in_quotes(consul.tls.ca_path) + " is not a directory",
                       "name a directory of PEM files"});
  }
  if (consul.tls.certificate_file.empty() == consul.tls.key_file.empty()) return;
  const bool lacks_key = consul.tls.key_file.empty();
  const std::string given = lacks_key ? "/consul/tls/certificate_file" : "/consul/tls/key_file";
  assembly.complain(assembly.origin(given).where,
                    {lacks_key ? "a certificate without its key" : "a key without its certificate",
                     lacks_key ? "give it too: consul.tls.key_file or CONSUL_CLIENT_KEY"
                               : "give it too: consul.tls.certificate_file or CONSUL_CLIENT_CERT"});
}

void check_completeness(Scope scope, Assembly& assembly) {
  if (scope == Scope::kAnything) return;
  const Settings& settings = assembly.draft().settings;
  const auto complained = [&assembly](std::initializer_list<std::string_view> places) {
    return std::any_of(assembly.problems().begin(), assembly.problems().end(), [&](const Problem& problem) {
      return std::any_of(places.begin(), places.end(),
                         [&](std::string_view place) {
                           return problem.where == place ||
                                  problem.where.starts_with(std::string(place) + "/");
                         });
    });
  };
  // A name or source that was given but refused is a problem already, not a second one.
  if (settings.name.empty() && !complained({"/name", "SHMCONF_NAME", "--name"})) {
    assembly.complain("--name", {"no name is given",
                                 "give --name NAME, set SHMCONF_NAME, or write \"name\" in the file"});
  }
  if (scope == Scope::kSidecar && settings.sources.empty() &&
      !complained({"/sources", "SHMCONF_PREFIXES", "SHMCONF_KEYS", "--prefix", "--key"})) {
    assembly.complain("--prefix", {"nothing to mirror is given",
                                   "give --prefix config/web/ or --key KEY, or \"sources\" in the file"});
  }
}

void check_server(Assembly& assembly) {
  if (!assembly.draft().settings.http.empty() || !assembly.problems().empty()) return;
  assembly.complain("--http", {"no address to serve at is given",
                               "give --http 127.0.0.1:PORT or --http unix:PATH, or \"http\" in the file"});
}

void make_absolute(std::string& path) {
  if (path.empty() || path.front() == '/') return;
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failure);
  if (!failure) path = absolute.lexically_normal().string();
}

void finish(Scope scope, Assembly& assembly) {
  Draft& draft = assembly.draft();
  Settings& settings = draft.settings;
  if (settings.consul.address.empty()) settings.consul.address = Consul{}.address;
  settings.consul.address = normal_address(settings.consul.address, draft.https);
  make_absolute(settings.directory);
  make_absolute(settings.backup_file);
  if (settings.http.starts_with(kUnixListener)) {
    std::string path = settings.http.substr(kUnixListener.size());
    make_absolute(path);
    settings.http = std::string(kUnixListener) + path;
  }
  check_completeness(scope, assembly);
  // A service that reads may well be unable to open the sidecar's secrets.
  if (scope == Scope::kServer) check_server(assembly);
  if (scope == Scope::kReader || scope == Scope::kServer) return;
  check_sources(assembly);
  choose_token(assembly);
  check_token_file(assembly);
  check_tls(assembly);
  check_backup_key_file(assembly);
  make_absolute(settings.backup_key_file);
  for (std::string* path : {&settings.consul.token_file, &settings.consul.tls.ca_file, &settings.consul.tls.ca_path,
                            &settings.consul.tls.certificate_file, &settings.consul.tls.key_file}) {
    make_absolute(*path);
  }
}

}  // namespace

std::vector<std::string> to_arguments(const Flags& flags) {
  std::vector<std::string> arguments;
  if (!flags.config_file.empty()) arguments.push_back("--config=" + flags.config_file);
  for (const auto& [flag, value] : flags.values) {
    const Field* field = field_by_flag(flag);
    const bool is_switch = field != nullptr && field->value_name.empty();
    arguments.push_back(is_switch && value == "true" ? flag : flag + "=" + value);
  }
  return arguments;
}

Loaded load_settings(const Flags& flags, const Environment& environment, Scope scope) {
  Assembly assembly;
  std::string file = flags.config_file;
  if (file.empty()) file = non_empty(environment, kConfigVariable).value_or("");
  if (!file.empty()) read_settings_file(file, assembly);
  take_credentials(environment, scope, assembly);
  read_variables(environment, scope, Layer::kConsulVariable, assembly);
  read_variables(environment, scope, Layer::kVariable, assembly);
  read_flags(flags, assembly);
  finish(scope, assembly);
  if (!assembly.problems().empty()) return assembly.problems();
  return assembly.draft().settings;
}

Result<Settings> settings_from(const Flags& flags, const Environment& environment, Scope scope) {
  Loaded loaded = load_settings(flags, environment, scope);
  if (auto* settings = std::get_if<Settings>(&loaded)) return std::move(*settings);
  return to_error(std::get<std::vector<Problem>>(loaded));
}

std::vector<std::string> secret_variables() {
  std::vector<std::string> names;
  for (const Field& field : field_table()) {
    if (!field.secret) continue;
    if (!field.variable.empty()) names.emplace_back(field.variable);
    if (!field.consul_variable.empty()) names.emplace_back(field.consul_variable);
  }
  return names;
}

std::vector<std::string> setting_variables() {
  std::vector<std::string> names = {kConfigVariable};
  for (const Field& field : field_table()) {
    if (!field.variable.empty()) names.emplace_back(field.variable);
    if (!field.consul_variable.empty()) names.emplace_back(field.consul_variable);
  }
  return names;
}

}  // namespace shmconf::settings
