#include <string>
#include <string_view>

#include "manual/completions.h"
#include "manual/suggestions.h"

namespace shmconf::manual {
namespace {

constexpr std::string_view kFunctions = R"bash(
# The services in the root directory.
_shmconf_names() {
  local root=${SHMCONF_DIR:-/dev/shm/shmconf-$UID} i
  for ((i = 2; i < cword - 1; ++i)); do
    case ${words[i]} in
      --dir) root=${words[i + 1]} ;;
      --dir=*) root=${words[i]#*=} ;;
    esac
  done
  local names=("$root"/*/)
  [[ -d ${names[0]} ]] || return
  names=("${names[@]%/}")
  COMPREPLY=($(compgen -W "${names[*]##*/}" -- "$cur"))
}

# The keys of the configuration that the words before name.
_shmconf_keys() {
  local place=() i expanded=()
  for ((i = 2; i < cword; ++i)); do
    case ${words[i]} in
      --name | --dir | --backup | --config) place+=("${words[i]}" "${words[i + 1]}") ;;
      --name=* | --dir=* | --backup=* | --config=*) place+=("${words[i]}") ;;
    esac
  done
  [[ $cur != *'#'* ]] || expanded=(--expanded)
  mapfile -t COMPREPLY < <(shmconf list "${place[@]}" "${expanded[@]}" -- "$cur" 2>/dev/null)
  __ltrim_colon_completions "$cur"
}

_shmconf_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }

_shmconf() {
  local cur prev words cword split i
  _init_completion -n : -s || return
  local command=${words[1]}
  if ((cword == 1)) || [[ $command == help ]]; then
    ((cword > 2)) || _shmconf_words "$_shmconf_commands"
    return
  fi
  if [[ $command == exec ]]; then
    for ((i = 2; i < COMP_CWORD; ++i)); do
      if [[ ${COMP_WORDS[i]} == -- ]]; then
        _command_offset $((i + 1))
        return
      fi
    done
  fi
  _shmconf_value "$command" "$prev" && return
  $split && return
  if [[ $cur == -* ]]; then
    _shmconf_options "$command"
  else
    _shmconf_value "$command" ''
  fi
}
complete -F _shmconf shmconf
)bash";

// The function that offers the values; empty where there is nothing to offer.
std::string offer(Suggestion suggestion, const cli::Argument& argument) {
  switch (suggestion) {
    case Suggestion::kFile: return "_filedir";
    case Suggestion::kDirectory: return "_filedir -d";
    case Suggestion::kName: return "_shmconf_names";
    case Suggestion::kKey: return "_shmconf_keys";
    case Suggestion::kWords: return "_shmconf_words '" + words_of(argument) + "'";
    case Suggestion::kNothing: return ":";
  }
  return ":";
}

}  // namespace

std::string bash_completion() {
  std::string commands;
  std::string options;
  std::string values;
  for (const cli::CommandText& command : cli::command_table()) {
    const std::string name(command.name);
    commands += name + " ";
    std::string names;
    for (const cli::Argument& option : options_of(command)) {
      add_word(names, option.name);
      if (option.value_name.empty()) continue;
      values += "    " + name + ":" + std::string(option.name) + ") " + offer(suggestion_for(command, option), option) + " ;;\n";
    }
    options += "    " + name + ") _shmconf_words '" + names + "' ;;\n";
    for (const cli::Argument& positional : positionals_of(command)) {
      values += "    " + name + ":) " + offer(suggestion_for(command, positional), positional) + " ;;\n";
    }
  }
  return "# bash completion for shmconf. Made from the program's tables when it is built.\n"
         "# shellcheck shell=bash disable=SC2034,SC2207  # the framework's variables; words without spaces\n\n"
         "_shmconf_commands='" + commands + "help --help --version'\n\n"
         "# _shmconf_options COMMAND: offers its options.\n"
         "_shmconf_options() {\n  case $1 in\n" + options + "  esac\n}\n\n"
         "# _shmconf_value COMMAND OPTION: offers what may stand behind the option, or with '' what stands alone.\n"
         "# False where there is no such option with a value.\n"
         "_shmconf_value() {\n  case $1:$2 in\n" + values + "    *) return 1 ;;\n  esac\n  return 0\n}\n" + std::string(kFunctions);
}

}  // namespace shmconf::manual
