#include "manual/suggestions.h"

#include <string_view>
#include <variant>

#include "settings/field_table.h"

namespace shmconf::manual {

using cli::Argument;
using cli::CommandText;

void add_word(std::string& words, std::string_view word) {
  if (!words.empty()) words += ' ';
  words += word;
}

std::string words_of(const Argument& argument) {
  const settings::Field* field = settings::field_by_flag(argument.name);
  if (field == nullptr) return {};
  if (std::holds_alternative<settings::SwitchSlot>(field->slot)) return "true false";
  const auto* choice = std::get_if<settings::ChoiceSlot>(&field->slot);
  if (choice == nullptr) return {};
  std::string words;
  for (const std::string_view word : choice->words) add_word(words, word);
  return words;
}

Suggestion suggestion_for(const CommandText& command, const Argument& argument) {
  if (argument.value_name.starts_with("FILE") || argument.value_name == "IN") return Suggestion::kFile;
  if (argument.value_name == "DIR") return Suggestion::kDirectory;
  if (argument.name == "--name") return Suggestion::kName;
  // The sidecar's keys and prefixes are Consul's to tell.
  const bool of_a_key = argument.value_name == "KEY" || argument.value_name == "PREFIX";
  if (of_a_key && command.flags == cli::SettingFlags::kReader) return Suggestion::kKey;
  return words_of(argument).empty() ? Suggestion::kNothing : Suggestion::kWords;
}

std::vector<Argument> options_of(const CommandText& command) {
  std::vector<Argument> options;
  for (const Argument& argument : cli::arguments_of(command)) {
    if (argument.name.starts_with("--") && !argument.hidden) options.push_back(argument);
  }
  options.push_back({"--help", "", "print this help"});
  return options;
}

std::vector<Argument> positionals_of(const CommandText& command) {
  std::vector<Argument> positionals;
  for (const Argument& argument : command.arguments) {
    if (!argument.name.starts_with("--") && !argument.hidden) positionals.push_back(argument);
  }
  return positionals;
}

}  // namespace shmconf::manual
