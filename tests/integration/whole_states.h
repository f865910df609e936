// Whole states: configurations whose keys all carry the state's name, so that a mixed or a partial one
// is told by looking at it.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_TESTS_INTEGRATION_WHOLE_STATES_H_
#define SHMCONF_TESTS_INTEGRATION_WHOLE_STATES_H_

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "shmconf/reader.h"

namespace shmconf::integration {

// So many keys under config/web/.
std::vector<std::pair<std::string, std::string>> whole_state(const std::string& name, int keys);

// "name*keys" if that is what the snapshot is; "" when values are mixed or there are none.
std::string state_of(const Snapshot& snapshot);

// Waits until the reader shows this state.
bool becomes(Reader& reader, const std::string& state, std::chrono::milliseconds limit);

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_WHOLE_STATES_H_
