// The table of commands: their words, and what --help says of each.
//
// Immutable; thread-safe. For the command line alone.
#ifndef SHMCONF_CLI_COMMAND_TABLE_H_
#define SHMCONF_CLI_COMMAND_TABLE_H_

#include <span>
#include <string_view>
#include <vector>

namespace shmconf::cli {

// Which of the settings' flags a command takes.
enum class SettingFlags { kNone, kReader, kSidecar };

// An option or a positional argument of one command alone.
struct Argument {
  std::string_view name;        // "--raw", or "KEY" for a positional
  std::string_view value_name;  // empty: a switch
  std::string_view about;
  bool required = false;
  bool hidden = false;  // between processes of this program
  std::string_view variable = {};  // of the environment, that the option wins over; empty: none
};

struct CommandText {
  std::string_view name;
  std::string_view about;
  SettingFlags flags;
  std::span<const Argument> arguments;
  std::string_view examples;  // lines, indented by two
};

// In the order of --help.
std::span<const CommandText> command_table();

// All that a command takes: its own arguments, the hidden ones too, then the settings' flags.
std::vector<Argument> arguments_of(const CommandText& command);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_COMMAND_TABLE_H_
