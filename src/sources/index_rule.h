// The rules for Consul's index of one source: what an answer's index says about its body.
//
// Consul's index may stand still, go back, or come with the body of a store that no longer exists;
// the cases are those measured on the real server. Pure functions.
#ifndef SHMCONF_SOURCES_INDEX_RULE_H_
#define SHMCONF_SOURCES_INDEX_RULE_H_

#include <chrono>
#include <cstdint>

namespace shmconf::sources {

// What a blocking query asked and got.
struct Poll {
  std::uint64_t asked = 0;     // the index that it was sent with; not 0
  std::uint64_t answered = 0;  // the index that came back
  std::uint64_t held = 0;      // of the state held for the source now; another read may have moved it
  std::chrono::milliseconds wait{0};
  std::chrono::milliseconds elapsed{0};
};

enum class IndexVerdict : std::uint8_t {
  kUse,        // the body is the source's state at the answered index
  kReread,     // the body may be dead or overtaken: read at once without index, and use that
  kStartOver,  // the index went back: likewise, and what is held is compared by content only
};

inline IndexVerdict judge(const Poll& poll) noexcept {
  // Timers of two processes disagree by a little; a real timeout is never this much early.
  constexpr std::chrono::milliseconds kSlack{5};
  if (poll.answered < 1 || poll.answered < poll.asked) return IndexVerdict::kStartOver;
  // A restored server answers every outstanding query at once, with the abandoned store's body and
  // the very index that was asked for. So does nothing else but the end of the wait.
  const bool early = poll.elapsed + kSlack < poll.wait;
  if (poll.answered == poll.asked && early) return IndexVerdict::kReread;
  // While the query was outstanding, the source was read otherwise. Only what is newer than both
  // may replace that.
  if (poll.held != poll.asked && poll.answered <= (poll.held < poll.asked ? poll.asked : poll.held)) {
    return IndexVerdict::kReread;
  }
  return IndexVerdict::kUse;
}

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_INDEX_RULE_H_
