// The known word that a mistyped one was probably meant to be.
//
// Pure; thread-safe.
#ifndef SHMCONF_SETTINGS_SUGGESTION_H_
#define SHMCONF_SETTINGS_SUGGESTION_H_

#include <span>
#include <string_view>

namespace shmconf::settings {

// The candidate with the fewest edits to the word (swapped neighbours count as one), or an empty
// view when none is near. The view is one of the candidates.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_SUGGESTION_H_
