// What a shell can offer for the value of an argument.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_MANUAL_SUGGESTIONS_H_
#define SHMCONF_MANUAL_SUGGESTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_table.h"

namespace shmconf::manual {

enum class Suggestion : std::uint8_t {
  kNothing,
  kFile,
  kDirectory,
  kName,   // a service's, of those in the root directory
  kKey,    // of the configuration that is read
  kWords,  // one of some
};

Suggestion suggestion_for(const cli::CommandText& command, const cli::Argument& argument);

// Appends the word, behind a space if there are others before it.
void add_word(std::string& words, std::string_view word);

// Of kWords, with spaces between them.
std::string words_of(const cli::Argument& argument);

// The arguments that people write: options (with --help), or what stands without one.
std::vector<cli::Argument> options_of(const cli::CommandText& command);
std::vector<cli::Argument> positionals_of(const cli::CommandText& command);

}  // namespace shmconf::manual

#endif  // SHMCONF_MANUAL_SUGGESTIONS_H_
