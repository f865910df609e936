// The program: arguments in, exit code out. Each command is one function, linked here.

#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <spdlog/spdlog.h>

#include "cli/check.h"
#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/dump.h"
#include "cli/exit_code.h"
#include "cli/get.h"
#include "cli/list.h"
#include "cli/pack.h"
#include "cli/status.h"
#include "cli/top.h"
#include "cli/version.h"
#include "cli/wait.h"
#include "dev/development.h"
#include "env/env.h"
#include "env/process.h"
#include "hardening/core_dumps.h"
#include "heartbeat/heartbeat.h"
#include "http/serve.h"
#include "log/log.h"
#include "settings/handover.h"
#include "settings/places.h"
#include "settings/settings_loader.h"
#include "supervisor/descriptors.h"
#include "supervisor/ending.h"
#include "supervisor/supervisor.h"
#include "watch/watch.h"

namespace {

using shmconf::cli::Command;
using shmconf::hardening::CoreDumps;

// Loads the sidecar's settings; what is wrong with them goes to stderr, a line each.
std::optional<shmconf::settings::Settings> load(
    const std::string& command, const shmconf::settings::Flags& flags,
    shmconf::settings::Scope scope = shmconf::settings::Scope::kSidecar) {
  using namespace shmconf::settings;
  // From the first secret on, since only then is it known whether that is wanted.
  const CoreDumps before = shmconf::hardening::set_core_dumps(CoreDumps::kForbidden);
  auto loaded = load_settings(flags, process_environment(), scope);
  if (auto* settings = std::get_if<Settings>(&loaded)) {
    if (!settings->hardening) shmconf::hardening::set_core_dumps(before);
    shmconf::log::start(command, settings->name, settings->log);
    return std::move(*settings);
  }
  for (const Problem& problem : std::get<std::vector<Problem>>(loaded)) {
    std::fprintf(stderr, "shmconf %s: %s\n", command.c_str(), to_string(problem).c_str());
  }
  return std::nullopt;
}

// How a process of the sidecar ended: its log's last word, where programs read that.
int end_of(const std::string& command, const shmconf::Result<void>& ended) {
  if (ended) return shmconf::cli::kExitDone;
  if (shmconf::log::is_text()) return shmconf::cli::fail(command, ended.error());
  spdlog::critical("{}", ended.error().text);
  return shmconf::cli::exit_code_of(ended.error().code);
}

shmconf::supervisor::Options supervisor_options(shmconf::settings::Settings settings,
                                                const shmconf::settings::Flags& flags) {
  using namespace shmconf::settings;
  auto children = shmconf::supervisor::sidecar_children(settings);
  return {.settings = std::move(settings),
          .reload = [flags] { return load_settings(flags, process_environment(), Scope::kSidecar); },
          .children = std::move(children)};
}

int run_run(const shmconf::cli::RunOptions& options) {
  auto settings = load("run", options.flags);
  if (!settings) return shmconf::cli::kExitUsage;
  return end_of("run", shmconf::supervisor::run(supervisor_options(std::move(*settings), options.flags)));
}

int run_exec(const shmconf::cli::ExecOptions& options) {
  auto settings = load("exec", options.flags);
  if (!settings) return shmconf::cli::kExitUsage;
  return shmconf::supervisor::exec(supervisor_options(std::move(*settings), options.flags), options.command);
}

// Returns the root directory too, as far as it is known.
int run_launch(const shmconf::cli::LaunchOptions& options, std::string& root) {
  auto settings = load("launch", options.flags);
  if (!settings) return shmconf::cli::kExitUsage;
  root = shmconf::settings::root_directory(*settings, ::geteuid()).path;
  if (options.report && *options.report != root) {
    const auto made = shmconf::supervisor::make_root(*settings);
    return made ? shmconf::cli::kExitDone : shmconf::cli::fail("launch", made.error());
  }
  const auto ready = shmconf::supervisor::launch(supervisor_options(std::move(*settings), options.flags));
  return ready ? shmconf::cli::kExitDone : shmconf::cli::fail("launch", ready.error());
}

int run_launch(const shmconf::cli::LaunchOptions& options) {
  // What the service left open is nothing to the sidecar.
  shmconf::env::close_above(STDERR_FILENO);
  shmconf::supervisor::occupy_standard_descriptors();
  std::string root;
  const int code = run_launch(options, root);
  // src/reader/launcher.cc reads this.
  if (options.report) std::fprintf(stderr, "\x1e%d %s\n", code, root.c_str());
  return code;
}

// The settings of a supervised process, again at each call: those that the supervisor hands over.
auto handed_settings(int descriptor) {
  using namespace shmconf::settings;
  return [descriptor]() -> std::variant<Settings, std::vector<Problem>> {
    auto read = read_handover(shmconf::env::Env::posix(), descriptor);
    if (read) return std::move(*read);
    return std::vector<Problem>{{.where = "--settings-fd", .text = read.error().text, .hint = "start shmconf run"}};
  };
}

using RunProcess = shmconf::Result<void> (*)(const shmconf::settings::Settings&,
                                             const shmconf::sources::ProcessOptions&);

int run_process(const std::string& command, const shmconf::cli::ProcessOptions& options, RunProcess run,
                shmconf::settings::Scope scope = shmconf::settings::Scope::kSidecar) {
  using namespace shmconf::settings;
  shmconf::sources::ProcessOptions how{.reload = [flags = options.flags, scope] {
                                         return load_settings(flags, process_environment(), scope);
                                       },
                                       .supervised = options.supervised};
  std::optional<shmconf::settings::Settings> settings;
  if (options.settings_fd) {
    how.reload = handed_settings(*options.settings_fd);
    const CoreDumps before = shmconf::hardening::set_core_dumps(CoreDumps::kForbidden);
    auto handed = how.reload();
    if (auto* problems = std::get_if<std::vector<shmconf::settings::Problem>>(&handed)) {
      return shmconf::cli::fail(command, shmconf::settings::to_error(*problems));
    }
    settings = std::move(std::get<shmconf::settings::Settings>(handed));
    if (!settings->hardening) shmconf::hardening::set_core_dumps(before);
    shmconf::log::start(command, settings->name, settings->log);
  } else {
    settings = load(command, options.flags, scope);
    if (!settings) return shmconf::cli::kExitUsage;
  }
  const auto ended = run(*settings, how);
  const bool taken = scope == Scope::kServer && !ended && ended.error().code == shmconf::ErrorCode::kUnavailable;
  if (taken && options.supervised) return shmconf::supervisor::kExitAddressTaken;
  return end_of(command, ended);
}

int run_watch(const shmconf::cli::WatchOptions& options) {
  return run_process("watch", options, shmconf::watch::run);
}

int run_heartbeat(const shmconf::cli::HeartbeatOptions& options) {
  return run_process("heartbeat", options, shmconf::heartbeat::run);
}

int run_serve(const shmconf::cli::ServeOptions& options) {
  const auto serve = [](const shmconf::settings::Settings& settings, const shmconf::sources::ProcessOptions& how) {
    return shmconf::http::serve(settings, {.reload = how.reload, .supervised = how.supervised});
  };
  return run_process("serve", options, serve, shmconf::settings::Scope::kServer);
}

// The same, with the endpoint that this process started as their Consul.
shmconf::settings::Flags pointed_at(shmconf::settings::Flags flags, const std::string& url) {
  flags.values.push_back({.flag = "--consul", .value = url});
  return flags;
}

int run_dev(const shmconf::cli::DevOptions& options) {
  const shmconf::dev::EndpointOptions endpoint{.listen = options.listen, .seed_file = options.seed};
  if (options.endpoint_only) {
    const auto served = shmconf::dev::serve(endpoint);
    return served ? shmconf::cli::kExitDone : shmconf::cli::fail("dev", served.error());
  }
  if (!load("dev", options.flags)) return shmconf::cli::kExitUsage;
  const auto url = shmconf::dev::start_bound_endpoint(endpoint);
  if (!url) return shmconf::cli::fail("dev", url.error());
  std::fprintf(stderr, "shmconf dev: listening on %s\n", url->c_str());
  const auto flags = pointed_at(options.flags, *url);
  const auto in_development = [flags]() -> shmconf::settings::Loaded {
    auto loaded = shmconf::settings::load_settings(flags, shmconf::settings::process_environment(),
                                                   shmconf::settings::Scope::kSidecar);
    if (auto* settings = std::get_if<shmconf::settings::Settings>(&loaded)) settings->development = true;
    return loaded;
  };
  auto loaded = in_development();
  auto* settings = std::get_if<shmconf::settings::Settings>(&loaded);
  if (settings == nullptr) return shmconf::cli::kExitUsage;
  auto children = shmconf::supervisor::sidecar_children(*settings);
  return end_of("dev", shmconf::supervisor::run({.settings = std::move(*settings),
                                                 .reload = in_development,
                                                 .children = std::move(children)}));
}

// A command that stands here is offered, in --help too; one that does not, does not exist.
struct Entry {
  std::string_view name;
  int (*start)(const Command& command);
};

// Calls the function with the options that the parser made for this very command.
template <typename Options, int (*run)(const Options&)>
constexpr Entry entry(std::string_view name) {
  return {name, [](const Command& command) { return run(std::get<Options>(command)); }};
}

constexpr std::array kEntries = {
    entry<shmconf::cli::RunOptions, run_run>("run"),
    entry<shmconf::cli::ExecOptions, run_exec>("exec"),
    entry<shmconf::cli::LaunchOptions, run_launch>("launch"),
    entry<shmconf::cli::WatchOptions, run_watch>("watch"),
    entry<shmconf::cli::HeartbeatOptions, run_heartbeat>("heartbeat"),
    entry<shmconf::cli::ServeOptions, run_serve>("serve"),
    entry<shmconf::cli::GetOptions, shmconf::cli::run_get>("get"),
    entry<shmconf::cli::ListOptions, shmconf::cli::run_list>("list"),
    entry<shmconf::cli::DumpOptions, shmconf::cli::run_dump>("dump"),
    entry<shmconf::cli::StatusOptions, shmconf::cli::run_status>("status"),
    entry<shmconf::cli::TopOptions, shmconf::cli::run_top>("top"),
    entry<shmconf::cli::WaitOptions, shmconf::cli::run_wait>("wait"),
    entry<shmconf::cli::PackOptions, shmconf::cli::run_pack>("pack"),
    entry<shmconf::cli::CheckOptions, shmconf::cli::run_check>("check"),
    entry<shmconf::cli::DevOptions, run_dev>("dev"),
    entry<shmconf::cli::VersionOptions, shmconf::cli::run_version>("version"),
};

int start(int argc, char** argv) {
  std::vector<std::string_view> offered;
  for (const Entry& entry : kEntries) offered.push_back(entry.name);
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto parsed =
      shmconf::cli::parse_command_line(arguments, offered, shmconf::settings::process_environment());
  if (const auto* stop = std::get_if<shmconf::cli::Stop>(&parsed)) {
    std::FILE* stream = stop->exit_code == shmconf::cli::kExitDone ? stdout : stderr;
    std::fwrite(stop->text.data(), 1, stop->text.size(), stream);
    return stop->exit_code;
  }
  const auto& line = std::get<shmconf::cli::CommandLine>(parsed);
  for (const Entry& entry : kEntries) {
    if (entry.name == line.name) return entry.start(line.command);
  }
  return shmconf::cli::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return start(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "shmconf: %s\n", failure.what());
    return shmconf::cli::kExitNoConfiguration;
  }
}
