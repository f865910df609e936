// Completions for the shells, from the table of commands and that of settings. Besides commands and
// options they offer files, the words of a choice, the names of services and the keys of a configuration.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_MANUAL_COMPLETIONS_H_
#define SHMCONF_MANUAL_COMPLETIONS_H_

#include <string>

namespace shmconf::manual {

// For the bash-completion package, 2.11 or newer.
std::string bash_completion();
// For a directory of $fpath.
std::string zsh_completion();
// For fish 3.
std::string fish_completion();

}  // namespace shmconf::manual

#endif  // SHMCONF_MANUAL_COMPLETIONS_H_
