#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "cli/command_options.h"
#include "cli/command_table.h"
#include "cli/exit_code.h"
#include "settings/field_table.h"
#include "settings/suggestion.h"

namespace shmconf::cli {
namespace {

using settings::Environment;
using Lines = std::vector<std::string>;

// --- the tree ---

// exec's command is taken off before CLI11 sees it, which therefore cannot show it.
class HelpText : public CLI::Formatter {
 public:
  HelpText() { column_width(34); }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    if (app->get_name() == "exec") usage.insert(usage.find_last_not_of('\n') + 1, " -- CMD [ARGS...]");
    return usage;
  }
};

const CommandText* find_command(std::string_view name) {
  const auto table = command_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const CommandText& c) { return c.name == name; });
  return found == table.end() ? nullptr : &*found;
}

void add_argument(CLI::App& app, const Argument& argument) {
  const std::string name(argument.name);
  std::string about(argument.about);
  if (!argument.variable.empty()) about += " [$" + std::string(argument.variable) + "]";
  const bool positional = !name.starts_with("--");
  CLI::Option* option = argument.value_name.empty() ? app.add_flag(name) : app.add_option(name);
  option->description(about)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (!argument.value_name.empty() && !positional) option->type_name(std::string(argument.value_name));
  if (argument.required) option->required();
  if (argument.hidden) option->group("");
}

void add_command(CLI::App& app, const CommandText& text) {
  CLI::App* command = app.add_subcommand(std::string(text.name), std::string(text.about));
  command->set_help_flag("-h,--help", "print this help");
  // What is left over is reported here, with the option that was probably meant.
  command->allow_extras();
  for (const Argument& argument : arguments_of(text)) add_argument(*command, argument);
  command->footer("Examples:\n" + std::string(text.examples) + "\n" + std::string(exit_code_table()));
}

void set_up(CLI::App& app, std::span<const std::string_view> offered) {
  app.name("shmconf");
  app.description("Consul configuration at memory speed: a sidecar mirrors Consul KV into shared memory.");
  app.set_help_flag("-h,--help", "print this help");
  app.formatter(std::make_shared<HelpText>());  // before the commands, which inherit it
  std::string examples;
  for (const CommandText& text : command_table()) {
    if (std::find(offered.begin(), offered.end(), text.name) == offered.end()) continue;
    add_command(app, text);
    examples += text.examples.substr(0, text.examples.find('\n') + 1);
  }
  app.footer("Every command has its own help: shmconf COMMAND --help\n\n"
             "Settings: the file, CONSUL_* variables, SHMCONF_* variables, flags; later ones win.\n\n"
             "Examples:\n" + examples + "\n" + std::string(exit_code_table()));
}

// --- before and after CLI11 ---

Stop usage_error(std::string_view command, const Lines& lines) {
  const std::string program = command.empty() ? "shmconf" : "shmconf " + std::string(command);
  std::string text;
  for (const std::string& line : lines) text += program + ": " + line + "\n";
  return {kExitUsage, text + "See " + program + " --help.\n"};
}

// Turns --name=value into two arguments, which makes CLI11 take the value as it is, empty or
// beginning with a dash; and refuses to take the next option for a value that was forgotten.
std::optional<Stop> split_values(const CLI::App& command, std::vector<std::string>& arguments) {
  std::vector<std::string> split;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      split.insert(split.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const std::string name = argument.substr(0, equals);
    const CLI::Option* option = name.starts_with("--") ? command.get_option_no_throw(name) : nullptr;
    const bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
    if (!takes_value) {
      // What a file or variable has switched on, a flag may switch off.
      const bool is_setting = settings::field_by_flag(name) != nullptr;
      if (option != nullptr && equals != std::string::npos && (!is_setting || equals + 1 == argument.size())) {
        return usage_error(command.get_name(), {name + " takes no value; write it alone" +
                                                (is_setting ? ", or " + name + "=false" : "")});
      }
      split.push_back(argument);
      continue;
    }
    split.push_back(name);
    if (equals != std::string::npos) {
      split.push_back(argument.substr(equals + 1));
    } else if (i + 1 == arguments.size() || arguments[i + 1].starts_with("--")) {
      return usage_error(command.get_name(),
                         {name + " needs a value; one that begins with dashes is written " +
                                              name + "=VALUE"});
    } else {
      split.push_back(arguments[++i]);
    }
  }
  arguments = std::move(split);
  return std::nullopt;
}

// CLI11 has no name for an option that is hidden.
std::string name_of(const CLI::Option& option) {
  return option.get_positional() ? option.get_name() : "--" + option.get_lnames().front();
}

// What no option or argument took. The two dashes in front of such a one are among it.
std::optional<std::string> left_over(const CLI::App& command) {
  for (const std::string& argument : command.remaining()) {
    if (argument != "--") return argument;
  }
  return std::nullopt;
}

std::string unexpected(const CLI::App& command, const std::string& argument) {
  if (!argument.starts_with("-")) {
    std::string text = settings::in_quotes(argument) + " is one argument too many";
    if (command.get_name() == "exec") text += "; write the command behind two dashes: -- CMD ARGS";
    return text;
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional() && !option->get_group().empty()) names.push_back(name_of(*option));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string name = argument.substr(0, argument.find('='));
  const std::string_view near = settings::nearest(name, views);
  return settings::in_quotes(name) + " is not an option here" +
         (near.empty() ? std::string() : "; did you mean " + std::string(near) + "?");
}

// Options and arguments in the order written.
std::vector<Given> collect(const CLI::App& command) {
  std::vector<Given> given;
  std::map<const CLI::Option*, std::size_t> taken;
  for (const CLI::Option* option : command.parse_order()) {
    const std::size_t index = taken[option]++;
    given.push_back({name_of(*option), option->results().at(index)});
  }
  return given;
}

std::optional<std::string> repeated(const std::vector<Given>& given) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].name == "--prefix" || given[i].name == "--key" || given[i].name == "--secret") continue;
    for (std::size_t j = 0; j < i; ++j) {
      if (given[j].name == given[i].name) return given[i].name + " is given twice; keep one";
    }
  }
  return std::nullopt;
}

Stop unknown_command(const std::string& name, std::span<const std::string_view> offered) {
  const std::string_view near = settings::nearest(name, offered);
  std::string text = settings::in_quotes(name) + " is not a command";
  if (!near.empty()) text += "; did you mean " + std::string(near) + "?";
  return usage_error("", {text});
}

std::variant<CommandLine, Stop> parse_command(CLI::App& app, const std::string& name,
                                              std::vector<std::string> arguments,
                                              const Environment& environment) {
  std::vector<std::string> behind_dashes;
  if (name == "exec") {
    // All of it is CMD's, further dashes included, and none of it CLI11's to interpret.
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    if (dashes != arguments.end()) behind_dashes.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  const CLI::App& command = *app.get_subcommand(name);
  if (auto stop = split_values(command, arguments)) return *std::move(stop);
  arguments.insert(arguments.begin(), name);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  Lines lines;
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return Stop{kExitDone, app.help()};
  } catch (const CLI::ParseError& failure) {
    lines.emplace_back(failure.what());
  }
  // An option that does not exist explains more than the argument that is missing for it.
  if (const auto argument = left_over(command)) lines = {unexpected(command, *argument)};
  if (!lines.empty()) return usage_error(name, lines);
  std::vector<Given> given = collect(command);
  if (const auto twice = repeated(given)) return usage_error(name, {*twice});

  auto built = build_options(name, Arguments(std::move(given), std::move(behind_dashes)), environment);
  if (const auto* wrong = std::get_if<Lines>(&built)) return usage_error(name, *wrong);
  return CommandLine{name, std::get<Command>(std::move(built))};
}

}  // namespace

std::variant<CommandLine, Stop> parse_command_line(std::span<const std::string> arguments,
                                                   std::span<const std::string_view> offered,
                                                   const Environment& environment) {
  CLI::App app;
  set_up(app, offered);
  if (arguments.empty()) return Stop{kExitUsage, app.help()};
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  std::string name = arguments.front();
  if (name == "help" && !rest.empty()) {
    name = rest.front();
    rest = {"--help"};
  }
  if (name == "help" || name == "--help" || name == "-h") return Stop{kExitDone, app.help()};
  if (name == "--version") name = "version";
  if (find_command(name) == nullptr || std::find(offered.begin(), offered.end(), name) == offered.end()) {
    return unknown_command(name, offered);
  }
  return parse_command(app, name, std::move(rest), environment);
}

}  // namespace shmconf::cli
