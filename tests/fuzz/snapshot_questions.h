// Everything that a reader may ask of a snapshot: all its bytes are touched, each answer is checked to
// lie inside it, and those of a verified one to agree with each other.
#ifndef SHMCONF_TESTS_FUZZ_SNAPSHOT_QUESTIONS_H_
#define SHMCONF_TESTS_FUZZ_SNAPSHOT_QUESTIONS_H_

#include <string>
#include <vector>

#include "shmconf/snapshot_view.h"

namespace shmconf::fuzz {

// Some of the keys and pointers that the snapshot holds, and some that it most likely does not.
std::vector<std::string> interesting_keys(const SnapshotView& view);

// sound: verify() has said so.
void ask_everything(const SnapshotView& view, bool sound);

}  // namespace shmconf::fuzz

#endif  // SHMCONF_TESTS_FUZZ_SNAPSHOT_QUESTIONS_H_
