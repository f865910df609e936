#include "manual/commands_page.h"

#include <string_view>

#include "cli/command_table.h"
#include "cli/exit_code.h"
#include "settings/field_table.h"

namespace shmconf::manual {
namespace {

using cli::Argument;
using cli::CommandText;
using cli::SettingFlags;

bool is_option(const Argument& argument) { return argument.name.starts_with("--"); }

// `shmconf get [OPTION]... KEY`
std::string synopsis(const CommandText& command) {
  std::string line = bold(std::string("shmconf ").append(command.name)) + " [" + italic("OPTION") + "]...";
  for (const Argument& argument : command.arguments) {
    if (argument.hidden) continue;
    if (is_option(argument) && argument.required) {
      line += ' ' + bold(argument.name) + ' ' + italic(argument.value_name);
    } else if (!is_option(argument)) {
      const std::string name = italic(argument.name);
      line += argument.required ? ' ' + name : " [" + name + "]";
    }
  }
  if (command.name == "exec") line += ' ' + bold("--") + ' ' + italic("CMD") + " [" + italic("ARGS") + "]...";
  return line + "\n";
}

std::string described(const Argument& argument) {
  std::string entry = ".TP\n" + (is_option(argument) ? bold(argument.name) : italic(argument.name));
  if (is_option(argument) && !argument.value_name.empty()) entry += ' ' + italic(argument.value_name);
  std::string about(argument.about);
  if (!argument.variable.empty()) about.append(" [`$").append(argument.variable).append("`]");
  return entry + "\n" + prose(about) + "\n";
}

std::string section_of(const CommandText& command) {
  std::string page = ".SS " + plain(command.name) + "\n" + synopsis(command) + ".PP\n" + prose(command.about) + "\n";
  for (const Argument& argument : command.arguments) {
    if (!argument.hidden) page += described(argument);
  }
  if (command.flags == SettingFlags::kSidecar) page += ".PP\nTakes all flags of SETTINGS.\n";
  if (command.flags == SettingFlags::kReader) page += ".PP\nTakes those flags of SETTINGS that find a configuration.\n";
  return page + ".PP\nExamples:\n.PP\n" + literal(command.examples);
}

// The flags that some command takes for its settings: those for readers, or the others.
std::string setting_flags(bool for_readers) {
  const CommandText of_readers{.name = {}, .about = {}, .flags = SettingFlags::kReader, .arguments = {}, .examples = {}};
  const CommandText of_all{.name = {}, .about = {}, .flags = SettingFlags::kSidecar, .arguments = {}, .examples = {}};
  if (for_readers) {
    std::string page;
    for (const Argument& argument : arguments_of(of_readers)) page += described(argument);
    return page;
  }
  std::string page;
  for (const Argument& argument : arguments_of(of_all)) {
    const settings::Field* field = settings::field_by_flag(argument.name);
    if (field != nullptr && !field->for_readers) page += described(argument);
  }
  return page;
}

std::string environment() {
  std::string page;
  for (const settings::Field& field : settings::field_table()) {
    if (field.variable.empty() && field.consul_variable.empty()) continue;
    std::string names;
    for (const std::string_view name : {field.consul_variable, field.variable}) {
      if (name.empty()) continue;
      if (!names.empty()) names += ", ";
      names += bold(name);
    }
    page += ".TP\n" + names + "\n" + prose(field.about) + "\n";
  }
  return page;
}

}  // namespace

std::string commands_page(const Edition& edition) {
  std::string page = title("SHMCONF", 1, edition);
  page +=
      ".SH NAME\n"
      "shmconf \\- Consul configuration at memory speed\n"
      ".SH SYNOPSIS\n";
  bool first = true;
  for (const CommandText& command : cli::command_table()) {
    page += (first ? "" : ".br\n") + synopsis(command);
    first = false;
  }
  page +=
      ".SH DESCRIPTION\n" +
      prose("A sidecar beside a service mirrors the prefixes of Consul KV that the service needs into shared memory, and "
            "keeps a copy on disk. The service reads it without network, lock or parser; when Consul, the sidecar or both "
            "are gone, it reads the last configuration.") + "\n"
      ".SH COMMANDS\n";
  for (const CommandText& command : cli::command_table()) page += section_of(command);
  page +=
      ".SH SETTINGS\n" +
      prose("They come from a file, from Consul's own variables, from `SHMCONF_*` variables and from flags; later ones "
            "win. All of them are in shmconf.json(5).") + "\n"
      ".SS Finding a configuration\n" + setting_flags(true) +
      ".SS The sidecar\n" + setting_flags(false) +
      ".SH ENVIRONMENT\n"
      "A variable that is empty counts as not set.\n" + environment() +
      ".SH FILES\n"
      ".TP\n" + italic("/dev/shm/shmconf-<uid>/<name>/") + "\n" +
      prose("The segment, where neither `--dir` nor `$SHMCONF_DIR` names another root.") + "\n"
      ".TP\n" + italic("/var/lib/shmconf/<name>.snapshot") + "\n" +
      prose("The backup of root's sidecars; of other users' in `$XDG_STATE_HOME/shmconf` or `~/.local/state/shmconf`, "
            "under systemd in `$STATE_DIRECTORY`.") + "\n"
      ".SH EXIT STATUS\n" + literal(cli::exit_code_table().substr(cli::exit_code_table().find('\n') + 1)) +
      ".SH SEE ALSO\n"
      ".BR shmconf.json (5)\n";
  return page;
}

}  // namespace shmconf::manual
