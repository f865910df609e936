// The mutator of targets whose input is one snapshot.
#include "fuzz/snapshot_mutator.h"

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  return shmconf::fuzz::mutate_snapshot(data, size, max_size, random);
}
