#include <string>
#include <string_view>

#include "manual/completions.h"
#include "manual/suggestions.h"

namespace shmconf::manual {
namespace {

constexpr std::string_view kFunctions = R"fish(
# Whether the command is one of these, and CMD of exec has not begun.
function __shmconf_command
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv; and not contains -- -- $words
end

# The word behind an option, or what follows its equals sign.
function __shmconf_option
    set -l words (commandline -opc)
    if set -l place (contains -i -- $argv[1] $words)
        echo $words[(math $place + 1)]
    else
        string replace -f -- "$argv[1]=" '' $words
    end
end

# The services in the root directory.
function __shmconf_names
    set -l root (__shmconf_option --dir) $SHMCONF_DIR /dev/shm/shmconf-(id -u)
    for directory in $root[1]/*/
        string replace -r '^.*/(.*)/$' '$1' $directory
    end
end

# The keys of the configuration that the words before name.
function __shmconf_keys
    set -l place
    for option in --name --dir --backup --config
        set -l value (__shmconf_option $option)
        and set -a place $option $value[1]
    end
    string match -q '*#*' -- (commandline -ct); and set -a place --expanded
    shmconf list $place 2>/dev/null
end

# What the shell offers for CMD of exec.
function __shmconf_exec
    set -l words (commandline -opc) (commandline -ct)
    set -l dashes (contains -i -- -- $words)
    complete -C (string join ' ' -- (string escape -- $words[(math $dashes + 1)..-2]) $words[-1])
end

complete -c shmconf -f
complete -c shmconf -n '__fish_use_subcommand' -l help -d 'print the help'
complete -c shmconf -n '__fish_use_subcommand' -l version -d 'print the version'
complete -c shmconf -n 'contains exec (commandline -opc)[2]; and contains -- -- (commandline -opc)' -a '(__shmconf_exec)'
)fish";

std::string quoted(std::string_view text) {
  std::string safe = "'";
  for (const char byte : text) {
    if (byte == '\'' || byte == '\\') safe += '\\';
    safe += byte;
  }
  return safe + "'";
}

// The switches of `complete` for what the argument's value may be.
std::string offer(const cli::CommandText& command, const cli::Argument& argument) {
  switch (suggestion_for(command, argument)) {
    case Suggestion::kFile: return " -F -r";
    case Suggestion::kDirectory: return " -x -a '(__fish_complete_directories)'";
    case Suggestion::kName: return " -x -a '(__shmconf_names)'";
    case Suggestion::kKey: return " -x -a '(__shmconf_keys)'";
    case Suggestion::kWords: return " -x -a '" + words_of(argument) + "'";
    case Suggestion::kNothing: return " -x";
  }
  return " -x";
}

}  // namespace

std::string fish_completion() {
  std::string script = "# fish completion for shmconf. Made from the program's tables when it is built.\n" +
                       std::string(kFunctions);
  std::string names;
  for (const cli::CommandText& command : cli::command_table()) {
    const std::string name(command.name);
    names += " " + name;
    script += "\ncomplete -c shmconf -n __fish_use_subcommand -a " + name + " -d " + quoted(command.about) + "\n";
    const std::string here = "complete -c shmconf -n '__shmconf_command " + name + "'";
    for (const cli::Argument& option : options_of(command)) {
      script += here + " -l " + std::string(option.name.substr(2));
      if (!option.value_name.empty()) script += offer(command, option);
      script += " -d " + quoted(option.about) + "\n";
    }
    for (const cli::Argument& positional : positionals_of(command)) {
      script += here + offer(command, positional) + "\n";
    }
  }
  return script + "\ncomplete -c shmconf -n __fish_use_subcommand -a help -d 'Print the help of a command.'\n"
         "complete -c shmconf -n '__shmconf_command help' -a '" + names.substr(1) + "'\n";
}

}  // namespace shmconf::manual
