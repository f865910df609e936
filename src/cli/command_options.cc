#include "cli/command_options.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstdint>

#include "settings/duration.h"
#include "settings/field_table.h"

namespace shmconf::cli {
namespace {

using settings::Environment;
using Lines = std::vector<std::string>;
using Built = BuiltOptions;

template <typename Number>
std::optional<Number> to_number(const std::string& text) {
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Lines lines_of(const std::vector<settings::Problem>& problems) {
  Lines lines;
  for (const settings::Problem& problem : problems) lines.push_back(settings::to_string(problem));
  return lines;
}

// --- each command's struct ---

std::variant<ReaderOptions, Lines> find_reader(const Arguments& arguments, const Environment& environment) {
  settings::Flags flags;
  flags.config_file = arguments.text("--config");
  for (const Given& given : arguments.all()) {
    const settings::Field* field = settings::field_by_flag(given.name);
    if (field != nullptr && field->for_readers) flags.values.push_back({given.name, given.value});
  }
  const auto loaded = settings::load_settings(flags, environment, settings::Scope::kReader);
  if (const auto* found = std::get_if<settings::Settings>(&loaded)) {
    return ReaderOptions{found->name, found->directory, found->backup_file};
  }
  return lines_of(std::get<std::vector<settings::Problem>>(loaded));
}

// The options with their reader found, or what is wrong.
template <typename Options>
Built with_reader(Options options, const Arguments& arguments, const Environment& environment) {
  auto found = find_reader(arguments, environment);
  if (auto* lines = std::get_if<Lines>(&found)) return std::move(*lines);
  options.reader = std::get<ReaderOptions>(std::move(found));
  return Command(std::move(options));
}

// What the arguments say of a backup file that they name; of the environment, only its key counts.
std::variant<settings::Settings, Lines> load_for_a_file(const Arguments& arguments, const Environment& environment) {
  const auto key_alone = [&](const std::string& name) -> std::optional<std::string> {
    return name == "SHMCONF_BACKUP_KEY_FILE" ? environment(name) : std::nullopt;
  };
  settings::Flags flags;
  for (const settings::FlagValue& given : arguments.setting_flags().values) {
    const bool of_the_file = given.flag == "--prefix" || given.flag == "--key" || given.flag == "--backup-key-file";
    if (of_the_file) flags.values.push_back(given);
  }
  auto loaded = settings::load_settings(flags, key_alone, settings::Scope::kAnything);
  if (auto* found = std::get_if<settings::Settings>(&loaded)) return std::move(*found);
  return lines_of(std::get<std::vector<settings::Problem>>(loaded));
}

Built build_run(const Arguments& arguments, const Environment&) {
  return RunOptions{arguments.setting_flags()};
}

Built build_exec(const Arguments& arguments, const Environment&) {
  if (arguments.command().empty()) {
    return Lines{"no command is given; write it behind two dashes: shmconf exec --name web ... -- CMD ARGS"};
  }
  return ExecOptions{arguments.setting_flags(), arguments.command()};
}

Built build_launch(const Arguments& arguments, const Environment&) {
  return LaunchOptions{arguments.setting_flags(), arguments.value("--report")};
}

template <typename Options>
Built build_process(const Arguments& arguments, const Environment&) {
  Options options;
  options.flags = arguments.setting_flags();
  options.supervised = arguments.has("--supervised");
  if (const auto text = arguments.value("--settings-fd")) {
    options.settings_fd = to_number<int>(*text);
    if (!options.settings_fd || *options.settings_fd < 0) {
      return Lines{"--settings-fd takes a descriptor's number"};
    }
  }
  return options;
}

Built build_get(const Arguments& arguments, const Environment& environment) {
  GetOptions options;
  options.key = arguments.text("KEY");
  options.raw = arguments.has("--raw");
  options.detailed = arguments.has("--detailed");
  options.fallback = arguments.value("--default");
  if (options.raw && options.detailed) return Lines{"--raw and --detailed exclude each other; leave one out"};
  return with_reader(std::move(options), arguments, environment);
}

Built build_list(const Arguments& arguments, const Environment& environment) {
  ListOptions options;
  options.prefix = arguments.text("PREFIX");
  options.expanded = arguments.has("--expanded");
  return with_reader(std::move(options), arguments, environment);
}

// Every name holds the empty word.
std::optional<Lines> wrong_secrets(const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), "") == words.end()) return std::nullopt;
  return Lines{"--secret is empty; name a word that the names of secrets hold"};
}

Built build_dump(const Arguments& arguments, const Environment& environment) {
  DumpOptions options;
  options.json = arguments.has("--json");
  options.file = arguments.text("FILE");
  options.show_secrets = arguments.has("--show-secrets");
  options.secrets = arguments.values("--secret");
  if (arguments.has("FILE") && options.file.empty()) return Lines{"FILE is empty; name a backup file"};
  if (auto wrong = wrong_secrets(options.secrets)) return *std::move(wrong);
  // A key is for a file: of a running service, what is read is in memory.
  if (options.file.empty() && arguments.has("--backup-key-file")) {
    options.file = arguments.text("--backup");
    if (options.file.empty()) return Lines{"--backup-key-file needs the backup file; name it as FILE"};
  }
  if (options.file.empty()) return with_reader(std::move(options), arguments, environment);
  // The environment's may be the sidecar's alone, and the file not encrypted: then it is not looked at.
  if (!arguments.has("--backup-key-file")) {
    options.key_file = environment("SHMCONF_BACKUP_KEY_FILE").value_or("");
    return options;
  }
  auto loaded = load_for_a_file(arguments, environment);
  if (auto* lines = std::get_if<Lines>(&loaded)) return std::move(*lines);
  options.key_file = std::get<settings::Settings>(loaded).backup_key_file;
  return options;
}

Built build_status(const Arguments& arguments, const Environment& environment) {
  StatusOptions options;
  options.json = arguments.has("--json");
  return with_reader(std::move(options), arguments, environment);
}

Built build_top(const Arguments& arguments, const Environment& environment) {
  TopOptions options;
  options.secrets = arguments.values("--secret");
  if (auto wrong = wrong_secrets(options.secrets)) return *std::move(wrong);
  return with_reader(std::move(options), arguments, environment);
}

Built build_wait(const Arguments& arguments, const Environment& environment) {
  WaitOptions options;
  options.key = arguments.value("--key");
  options.equals = arguments.value("--equals");
  options.timestamp = arguments.has("--timestamp");
  if (options.equals && !options.key) {
    return Lines{"--equals needs --key; name the key that is to have the value"};
  }
  if (const auto text = arguments.value("--after")) {
    options.after = to_number<std::uint64_t>(*text);
    if (!options.after) {
      return Lines{"--after: " + settings::in_quotes(*text) +
                   " is not a generation; `shmconf status` shows one"};
    }
  }
  if (const auto text = arguments.value("--timeout")) {
    const auto timeout = settings::parse_duration(*text);
    if (!timeout) return Lines{"--timeout: " + timeout.error().text};
    options.timeout = *timeout;
  }
  return with_reader(std::move(options), arguments, environment);
}

Built build_pack(const Arguments& arguments, const Environment& environment) {
  PackOptions options;
  options.input = arguments.text("IN");
  options.output = arguments.text("--output");
  if (options.input.empty() || options.output.empty()) {
    return Lines{"IN and --output name files; neither is empty"};
  }
  // The same checks as for the sidecar's sources, and its order.
  auto loaded = load_for_a_file(arguments, environment);
  if (auto* lines = std::get_if<Lines>(&loaded)) return std::move(*lines);
  auto& found = std::get<settings::Settings>(loaded);
  options.sources = std::move(found.sources);
  options.key_file = std::move(found.backup_key_file);
  return options;
}

Built build_check(const Arguments& arguments, const Environment&) {
  CheckOptions options{arguments.text("FILE")};
  if (options.file.empty()) return Lines{"FILE is empty; name a settings file"};
  return options;
}

Built build_dev(const Arguments& arguments, const Environment&) {
  DevOptions options;
  options.flags = arguments.setting_flags();
  options.seed = arguments.text("--seed");
  if (const auto listen = arguments.value("--listen")) options.listen = *listen;
  options.endpoint_only = arguments.has("--endpoint-only");
  return options;
}

Built build_version(const Arguments&, const Environment&) { return VersionOptions{}; }

struct Builder {
  std::string_view name;
  Built (*build)(const Arguments&, const Environment&);
};
constexpr std::array kBuilders = {
    Builder{"run", build_run},
    Builder{"exec", build_exec},
    Builder{"launch", build_launch},
    Builder{"watch", build_process<WatchOptions>},
    Builder{"heartbeat", build_process<HeartbeatOptions>},
    Builder{"serve", build_process<ServeOptions>},
    Builder{"get", build_get},
    Builder{"list", build_list},
    Builder{"dump", build_dump},
    Builder{"status", build_status},
    Builder{"top", build_top},
    Builder{"wait", build_wait},
    Builder{"pack", build_pack},
    Builder{"check", build_check},
    Builder{"dev", build_dev},
    Builder{"version", build_version},
};

}  // namespace

std::optional<std::string> Arguments::value(std::string_view name) const {
  for (const Given& given : given_) {
    if (given.name == name) return given.value;
  }
  return std::nullopt;
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const Given& given : given_) {
    if (given.name == name) found.push_back(given.value);
  }
  return found;
}

settings::Flags Arguments::setting_flags() const {
  settings::Flags flags;
  for (const Given& given : given_) {
    if (given.name == "--config") flags.config_file = given.value;
    if (settings::field_by_flag(given.name) != nullptr) flags.values.push_back({given.name, given.value});
  }
  return flags;
}

BuiltOptions build_options(std::string_view command, const Arguments& arguments,
                           const Environment& environment) {
  const auto builder =
      std::find_if(kBuilders.begin(), kBuilders.end(), [&](const Builder& b) { return b.name == command; });
  assert(builder != kBuilders.end());
  return builder->build(arguments, environment);
}

}  // namespace shmconf::cli
