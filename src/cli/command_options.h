// From what was written on the command line to a command's struct.
//
// Plain values and pure functions; thread-safe if the environment's lookup is. For the command line
// alone.
#ifndef SHMCONF_CLI_COMMAND_OPTIONS_H_
#define SHMCONF_CLI_COMMAND_OPTIONS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cli/command_line.h"
#include "settings/settings_loader.h"

namespace shmconf::cli {

// An option or argument and its value ("true" for a switch).
struct Given {
  std::string name;
  std::string value;
};

// What was given, in the order written, which CLI11's own values lose across options.
class Arguments {
 public:
  // The command is exec's, from behind the two dashes.
  Arguments(std::vector<Given> given, std::vector<std::string> command)
      : given_(std::move(given)), command_(std::move(command)) {}

  [[nodiscard]] const std::vector<Given>& all() const { return given_; }
  [[nodiscard]] const std::vector<std::string>& command() const { return command_; }
  // The first with this name, or nothing.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  // All with this name.
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return value(name).has_value(); }
  [[nodiscard]] std::string text(std::string_view name) const { return value(name).value_or(""); }
  // Those that belong to settings.
  [[nodiscard]] settings::Flags setting_flags() const;

 private:
  std::vector<Given> given_;
  std::vector<std::string> command_;
};

// The options of a command, or what is wrong with them, a line each.
using BuiltOptions = std::variant<Command, std::vector<std::string>>;

// Requires a command of command_table().
BuiltOptions build_options(std::string_view command, const Arguments& arguments,
                           const settings::Environment& environment);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_COMMAND_OPTIONS_H_
