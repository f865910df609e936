#include <string>
#include <string_view>

#include "manual/completions.h"
#include "manual/suggestions.h"

namespace shmconf::manual {
namespace {

constexpr std::string_view kFunctions = R"zsh(
# The services in the root directory.
_shmconf_names() {
  local -a names
  names=(${opt_args[--dir]:-${SHMCONF_DIR:-/dev/shm/shmconf-$UID}}/*(N/:t))
  compadd -a names
}

# The keys of the configuration that the words before name.
_shmconf_keys() {
  local -a place keys
  local option
  for option in --name --dir --backup --config; do
    (( $+opt_args[$option] )) && place+=($option ${opt_args[$option]})
  done
  [[ $PREFIX != *'#'* ]] || place+=(--expanded)
  keys=(${(f)"$(shmconf list $place 2>/dev/null)"})
  compadd -a keys
}

# Behind two dashes, CMD of exec.
_shmconf_command() {
  local -i dashes=${words[(i)--]}
  (( dashes < CURRENT )) || return
  shift $dashes words
  (( CURRENT -= dashes ))
  _normal
  return 0
}

_shmconf "$@"
)zsh";

// Inside single quotes, and inside the brackets and between the colons of a specification.
std::string quoted(std::string_view text) {
  std::string safe;
  for (const char byte : text) {
    if (byte == '\'') {
      safe += "'\\''";
    } else {
      if (byte == '[' || byte == ']' || byte == ':' || byte == '\\') safe += '\\';
      safe += byte;
    }
  }
  return safe;
}

std::string action(const cli::CommandText& command, const cli::Argument& argument) {
  switch (suggestion_for(command, argument)) {
    case Suggestion::kFile: return "_files";
    case Suggestion::kDirectory: return "_files -/";
    case Suggestion::kName: return "_shmconf_names";
    case Suggestion::kKey: return "_shmconf_keys";
    case Suggestion::kWords: return std::string("(").append(words_of(argument)).append(")");
    case Suggestion::kNothing: return " ";
  }
  return " ";
}

std::string arguments(const cli::CommandText& command) {
  std::string lines;
  for (const cli::Argument& option : options_of(command)) {
    const bool takes_value = !option.value_name.empty();
    lines += " \\\n        '*" + std::string(option.name) + (takes_value ? "=" : "") + "[" + quoted(option.about) + "]";
    if (takes_value) lines += ':' + quoted(option.value_name) + ':' + action(command, option);
    lines += "'";
  }
  for (const cli::Argument& positional : positionals_of(command)) {
    lines += " \\\n        '::" + quoted(positional.name) + ":" + action(command, positional) + "'";
  }
  return lines;
}

}  // namespace

std::string zsh_completion() {
  std::string names;
  std::string described;
  std::string cases;
  for (const cli::CommandText& command : cli::command_table()) {
    const std::string name(command.name);
    names += name + " ";
    described += "    '" + name + ":" + quoted(command.about) + "'\n";
    cases += "    " + name + ")\n" + (name == "exec" ? "      _shmconf_command && return\n" : "") +
             "      _arguments" + arguments(command) + "\n      ;;\n";
  }
  return "#compdef shmconf\n"
         "# zsh completion for shmconf. Made from the program's tables when it is built.\n\n"
         "_shmconf() {\n"
         "  local context state state_descr line\n"
         "  typeset -A opt_args\n"
         "  local -a described=(\n" + described + "    'help:Print the help of a command.'\n  )\n"
         "  _arguments -C '--help[print the help]' '--version[print the version]' \\\n"
         "    '1:command:->command' '*::argument:->argument'\n"
         "  if [[ $state == command ]]; then\n"
         "    _describe command described\n"
         "    return\n"
         "  fi\n"
         "  case $line[1] in\n" + cases +
         "    help)\n      _arguments '1:command:(" + names + ")'\n      ;;\n"
         "  esac\n}\n" + std::string(kFunctions);
}

}  // namespace shmconf::manual
