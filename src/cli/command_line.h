// The command line, parsed: one plain struct for each command.
//
// Values without shared state. parse_command_line() is thread-safe if the environment's lookup is.
#ifndef SHMCONF_CLI_COMMAND_LINE_H_
#define SHMCONF_CLI_COMMAND_LINE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "settings/settings_loader.h"

namespace shmconf::cli {

// What the readers' tools need to find a configuration: of --name and its kind, of SHMCONF_NAME and
// its kind, and of the settings file.
struct ReaderOptions {
  std::string name;
  std::string directory;    // root; empty: the default, see settings/places.h
  std::string backup_file;  // empty: what the control page names, else the default
};

struct RunOptions {
  settings::Flags flags;
};

struct ExecOptions {
  settings::Flags flags;
  std::vector<std::string> command;  // never empty
};

struct LaunchOptions {
  settings::Flags flags;
  // For the library that started this: end stderr with the exit code and the root directory; where
  // that is not this one, whose users the caller is among, make it and start nothing.
  std::optional<std::string> report;
};

// Of watch, heartbeat and serve.
struct ProcessOptions {
  settings::Flags flags;
  bool supervised = false;         // started by run or exec, and to die with it
  std::optional<int> settings_fd;  // read the settings from this descriptor, and from nowhere else
};
struct WatchOptions : ProcessOptions {};
struct ServeOptions : ProcessOptions {};
struct HeartbeatOptions : ProcessOptions {};

struct GetOptions {
  ReaderOptions reader;
  std::string key;
  bool raw = false;
  bool detailed = false;
  std::optional<std::string> fallback;  // --default
};

struct ListOptions {
  ReaderOptions reader;
  std::string prefix;
  bool expanded = false;
};

struct DumpOptions {
  ReaderOptions reader;
  bool json = false;
  std::string file;      // empty: the running service's; else reader is empty
  std::string key_file;  // of an encrypted file; empty: none
  bool show_secrets = false;
  std::vector<std::string> secrets;  // further words that say so, see display/secrets.h
};

struct StatusOptions {
  ReaderOptions reader;
  bool json = false;
};

struct TopOptions {
  ReaderOptions reader;
  std::vector<std::string> secrets;  // as in DumpOptions
};

struct WaitOptions {
  ReaderOptions reader;
  std::optional<std::uint64_t> after;
  std::optional<std::string> key;
  std::optional<std::string> equals;  // only with a key
  std::optional<std::chrono::milliseconds> timeout;
  bool timestamp = false;
};

struct PackOptions {
  std::string input;  // "-": standard input
  std::string output;
  std::string key_file;                   // encrypts the output; empty: it is not encrypted
  std::vector<settings::Source> sources;  // empty: every key by its whole name
};

struct CheckOptions {
  std::string file;
};

struct DevOptions {
  settings::Flags flags;
  std::string seed;  // JSON file; empty: starts without keys
  std::string listen = "127.0.0.1:8500";
  bool endpoint_only = false;
};

struct VersionOptions {};

using Command = std::variant<RunOptions, ExecOptions, LaunchOptions, WatchOptions, HeartbeatOptions, ServeOptions, GetOptions,
                             ListOptions, DumpOptions, StatusOptions, TopOptions, WaitOptions, PackOptions, CheckOptions, DevOptions,
                             VersionOptions>;

struct CommandLine {
  std::string name;  // the command as it was written
  Command command;
};

// Nothing to run: help that was asked for (exit code 0, for stdout) or what is wrong with the usage
// (exit code 2, for stderr).
struct Stop {
  int exit_code;
  std::string text;  // whole lines
};

// Parses what follows the program's name. Only the commands offered exist: for help, and for use.
// The readers' tools are checked to have a name by then; the sidecar's settings are loaded by
// whoever runs the command, who also loads them again.
std::variant<CommandLine, Stop> parse_command_line(std::span<const std::string> arguments,
                                                   std::span<const std::string_view> offered,
                                                   const settings::Environment& environment);

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_COMMAND_LINE_H_
