// History: every state that Consul had, or may have had, and the judgement of what readers saw.
//
// Each transaction names the state that it builds on, and is applied to that state or never (see
// writer.h). So the whole state after it is known before it is sent, also where its outcome is not;
// and the states that Consul did have form one line, on which only a restored archive leads back.
//
// What each reader sees, one after another, must be a subsequence of that line: no other state, none
// older than the one before it. The one exception: once the segment was removed, a backup may be
// served, which may be older, but not older than the backup that was on disk when that happened.
//
// Thread-safe: the writer tells, the main thread judges.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_HISTORY_H_
#define SHMCONF_TESTS_FAULT_CHAOS_HISTORY_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace shmconf::chaos {

using Stamp = std::uint64_t;  // number of a transaction, and of the state after it
using Time = std::chrono::steady_clock::time_point;

// Full keys in Consul, or names in a snapshot; each with what stands for its value (see value.h).
using Values = std::map<std::string, std::string>;

// One snapshot, as a reader saw it.
struct Observation {
  Time time;
  Stamp stamp = 0;
  bool from_backup = false;
  bool first = false;  // after a start or a freeze of the reader itself: its age says nothing
};

// The segment was removed, and the backup held this state.
struct Removal {
  Time time;
  Stamp backup = 0;
};

struct Violation {
  Time seen;
  std::string text;
};

// What a round showed of one reader.
struct Findings {
  std::vector<Violation> violations;
  std::chrono::milliseconds longest_age{0};  // that a reader held a state which Consul no longer had
};

class History {
 public:
  History(Stamp stamp, Values state, Time at);

  // A transaction is about to be sent: if it is applied, then onto `parent`, which gives `state`.
  void propose(Stamp stamp, Stamp parent, Values state);
  // Consul has this state now: that of a transaction on the present one, or on one that is on it.
  // False: it cannot have come from there.
  bool became(Stamp stamp, Time at);
  // An archive of this state is being restored, or was.
  void restored(Stamp stamp, Time at);

  // Of the newest state that is known.
  [[nodiscard]] Stamp head() const;
  [[nodiscard]] Values state(Stamp stamp) const;
  // Whether the snapshot is, key for key, a state that Consul has, had or may have had. Says what is
  // wrong, or "" and sets the stamp.
  [[nodiscard]] std::string identify(const Values& snapshot, Stamp& stamp) const;
  // The backup was there when the segment was removed.
  void removed(Removal removal);

  // One reader's observations since the last forget(), in their order.
  [[nodiscard]] Findings judge(const std::vector<Observation>& seen) const;
  // Everyone has seen the head: what was before it is no longer legal. Requires that nothing is under way.
  void forget();

 private:
  struct Proposal {
    Stamp parent = 0;
    Values state;
    Values merged;
  };
  struct Point {
    Stamp stamp = 0;
    Time since;
  };

  // The first point at or behind `from` with that stamp.
  [[nodiscard]] std::optional<std::size_t> find(Stamp stamp, std::size_t from) const;
  [[nodiscard]] std::string judge_backup(const Observation& seen) const;
  [[nodiscard]] std::string explain(const Observation& seen, std::size_t from) const;

  mutable std::mutex mutex_;
  std::map<Stamp, Proposal> proposals_;
  std::vector<Point> line_;
  std::vector<Removal> removals_;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_HISTORY_H_
