// StandStill: whether keys that are missing since Consul went back in time (snapshot restored, data
// wiped and imported again) have been waited for long enough.
//
// What may still be on its way is keys. So a state has stood when it has the same keys for a while,
// whatever their values do; and where keys come and go all the time, when none of the missing ones has
// come back for longer. Plain decisions: time is the caller's. Not thread-safe.
#ifndef SHMCONF_SOURCES_STAND_STILL_H_
#define SHMCONF_SOURCES_STAND_STILL_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "sources/overlay.h"
#include "sources/rewind.h"

namespace shmconf::sources {

// Tells which keys the sources have, and when they were made; not what they are set to.
[[nodiscard]] std::uint64_t identify_keys(std::span<const Pairs> sources);

class StandStill {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::milliseconds;

  // Keys that stay the same for `still`, or a missing one not back for `longest`.
  StandStill(Span still, Span longest) : still_(still), longest_(longest) {}

  // Takes the state that was read, as it compares with the last good one; keys gives its identify_keys(),
  // where that is needed. True: nothing has to be waited for (any more).
  bool stands(const Rewind& rewind, const std::function<std::uint64_t()>& keys, Time now);

  // The state is published: a rewind is history.
  void forget();

 private:
  struct Since {
    std::uint64_t what = 0;
    Time time;
  };

  const Span still_;
  const Span longest_;
  bool rewound_ = false;  // since the last publication: later answers may hide it
  std::optional<Since> same_keys_;
  std::optional<Since> fewest_missing_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_STAND_STILL_H_
