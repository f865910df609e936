// ReadLimits: what bounds the reading of a state beside the settings.
#ifndef SHMCONF_SOURCES_READ_LIMITS_H_
#define SHMCONF_SOURCES_READ_LIMITS_H_

#include <chrono>

namespace shmconf::sources {

// Tests shorten them.
struct ReadLimits {
  // Rounds in which the sources are asked whether they have moved: so many at once, then more, each
  // after a short pause, for so long. Writers that never rest would otherwise be seen half done:
  // with 5 rounds alone, 1 to 2 in 100 states of 3,000 transactions back to back were.
  int settle_rounds = 5;
  std::chrono::milliseconds settle_for{2'000};
  // How long an answer must have had the same keys when Consul seems to have gone back in time; and
  // how long none of the missing ones must have come back, where other keys come and go all the time.
  std::chrono::milliseconds stand_still{3'000};
  std::chrono::milliseconds longest_stand_still{30'000};
  // How often an answer may contradict a key's own GET before that counts as a failure.
  int contradictions = 3;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_READ_LIMITS_H_
