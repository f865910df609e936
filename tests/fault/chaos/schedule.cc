#include "fault/chaos/schedule.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>

namespace shmconf::chaos {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kRound = 20s;
constexpr milliseconds kShortestGap = 50ms;
constexpr milliseconds kLongestGap = 900ms;
// Consul is restored only while the cluster is whole, so that it is known what became of it.
constexpr milliseconds kWholeBefore = 4s;
constexpr milliseconds kWholeAfter = 3s;
// The sidecar looks for a removed segment every 5 s: one that is removed earlier has to be there again
// when the round ends, so that what comes then is measured for itself.
constexpr milliseconds kLastRemoval = 12s;
// Further than a broken clock of a machine goes: before Unix and beyond 32 bits of seconds.
constexpr std::int64_t kYear = 366 * 24 * 3600;

// What two faults cannot have at once.
enum class Part : std::uint8_t { kServer, kAgent, kWatch, kHeartbeat, kSupervisor, kReader, kSegment, kPath, kBackup, kClock, kState };

struct Rule {
  const char* name;
  Part part;
  unsigned weight;
  milliseconds shortest;
  milliseconds longest;
};

constexpr std::array<Rule, kKinds> kRules = {{
    {"kill server", Part::kServer, 4, 200ms, 6s},
    {"stop server", Part::kServer, 2, 500ms, 5s},
    {"freeze server", Part::kServer, 4, 100ms, 7s},
    {"kill agent", Part::kAgent, 2, 100ms, 5s},
    {"freeze agent", Part::kAgent, 3, 50ms, 5s},
    {"kill watch", Part::kWatch, 5, 0ms, 0ms},
    {"freeze watch", Part::kWatch, 5, 20ms, 5s},
    {"stutter watch", Part::kWatch, 8, 1s, 4s},
    {"kill heartbeat", Part::kHeartbeat, 4, 0ms, 0ms},
    {"freeze heartbeat", Part::kHeartbeat, 4, 20ms, 5s},
    {"stutter heartbeat", Part::kHeartbeat, 6, 1s, 4s},
    {"kill supervisor", Part::kSupervisor, 2, 100ms, 3s},
    {"stop supervisor", Part::kSupervisor, 2, 100ms, 3s},
    {"freeze supervisor", Part::kSupervisor, 2, 100ms, 5s},
    {"kill reader", Part::kReader, 4, 0ms, 1s},
    {"freeze reader", Part::kReader, 4, 50ms, 4s},
    {"fill segment", Part::kSegment, 4, 200ms, 5s},
    {"fill backup", Part::kBackup, 3, 200ms, 8s},
    {"move clock", Part::kClock, 4, 100ms, 12s},
    {"remove segment", Part::kPath, 6, 0ms, 0ms},
    {"archive", Part::kState, 0, 0ms, 0ms},
    {"restore", Part::kState, 0, 0ms, 0ms},
}};

const Rule& rule_of(Kind kind) { return kRules[static_cast<std::size_t>(kind)]; }

bool is_of_cluster(Kind kind) {
  const Part part = rule_of(kind).part;
  return part == Part::kServer || part == Part::kAgent;
}

Kind any_kind(Random& random) {
  unsigned total = 0;
  for (const Rule& rule : kRules) total += rule.weight;
  std::uint64_t left = random.below(total);
  std::size_t kind = 0;
  while (left >= kRules[kind].weight) left -= kRules[kind++].weight;
  return static_cast<Kind>(kind);
}

Fault any_fault(Random& random, milliseconds begin) {
  Fault fault;
  fault.kind = any_kind(random);
  const Rule& rule = rule_of(fault.kind);
  fault.begin = begin;
  fault.length = random.between(rule.shortest, rule.longest);
  fault.target = rule.part == Part::kServer   ? random.below(kServers)
                 : rule.part == Part::kReader ? random.below(kReaders)
                                              : 0;
  const std::int64_t shift = random.one_in(2) ? random.between(-3600, 3600) : random.between(-100 * kYear, 100 * kYear);
  if (fault.kind == Kind::kMoveClock) fault.shift = std::chrono::seconds(shift);
  fault.seed = random.below(~std::uint64_t{0});
  return fault;
}

class Planner {
 public:
  explicit Planner(Random& random) : random_(random) {}

  std::vector<Fault> plan() {
    if (random_.one_in(2)) plan_restore();
    for (milliseconds at = kShortestGap; at < kRound; at += random_.between(kShortestGap, kLongestGap)) {
      add(any_fault(random_, at));
    }
    std::ranges::stable_sort(faults_, {}, &Fault::begin);
    return std::move(faults_);
  }

 private:
  void plan_restore() {
    const milliseconds archive = random_.between(500ms, 6s);
    restore_ = archive + random_.between(2s, 9s);
    archive_ = archive;
    faults_.push_back({.kind = Kind::kArchive, .begin = archive});
    faults_.push_back({.kind = Kind::kRestore, .begin = *restore_});
  }

  void add(Fault fault) {
    const Rule& rule = rule_of(fault.kind);
    if (is_of_cluster(fault.kind) && (disturbs(fault, archive_) || disturbs(fault, restore_))) return;
    if (fault.kind == Kind::kRemoveSegment && fault.begin > kLastRemoval) return;
    milliseconds& busy_until = busy_until_[{rule.part, fault.target}];
    if (fault.begin < busy_until) return;
    busy_until = fault.end() + kShortestGap;
    faults_.push_back(fault);
  }

  static bool disturbs(const Fault& fault, const std::optional<milliseconds>& at) {
    return at && fault.begin < *at + kWholeAfter && fault.end() > *at - kWholeBefore;
  }

  Random& random_;
  std::optional<milliseconds> archive_;
  std::optional<milliseconds> restore_;
  std::map<std::pair<Part, std::size_t>, milliseconds> busy_until_;
  std::vector<Fault> faults_;
};

}  // namespace

const char* name_of(Kind kind) { return rule_of(kind).name; }

std::vector<Fault> make_round(Random& random) { return Planner(random).plan(); }

std::string describe(const Fault& fault) {
  const Part part = rule_of(fault.kind).part;
  std::string text = name_of(fault.kind);
  if (part == Part::kServer || part == Part::kReader) text += " " + std::to_string(fault.target + 1);
  if (fault.kind == Kind::kMoveClock) text += " by " + std::to_string(fault.shift.count()) + " s";
  if (fault.length.count() > 0) text += " for " + std::to_string(fault.length.count()) + " ms";
  return text;
}

}  // namespace shmconf::chaos
