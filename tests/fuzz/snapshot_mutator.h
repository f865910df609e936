// Mutations that know what a snapshot is: most of them change a field and make the checksums right
// again, so that the code behind the checksums is reached. For libFuzzer only.
#ifndef SHMCONF_TESTS_FUZZ_SNAPSHOT_MUTATOR_H_
#define SHMCONF_TESTS_FUZZ_SNAPSHOT_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <random>

// libFuzzer's own; see FuzzerInterface.h of LLVM.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace shmconf::fuzz {

// Changes the snapshot in data, which has room for max_size bytes. Returns its new size.
std::size_t mutate_snapshot(std::uint8_t* data, std::size_t size, std::size_t max_size, std::minstd_rand& random);

// Makes both checksums those of the bytes, if there is a whole header.
void repair_checksums(std::uint8_t* data, std::size_t size);

// A number that bounds checks may get wrong: near 0, near the size or near 2^32 or 2^64, small, or a word
// of the bytes themselves.
std::uint64_t awkward_number(const std::uint8_t* data, std::size_t size, std::minstd_rand& random);

}  // namespace shmconf::fuzz

#endif  // SHMCONF_TESTS_FUZZ_SNAPSHOT_MUTATOR_H_
