#include "fault/chaos/history.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "fault/chaos/value.h"

namespace shmconf::chaos {
namespace {

using std::chrono::milliseconds;

// What a reader of the three sources is to see: prefixes stripped, the later source over the earlier.
Values merged(const Values& state) {
  Values result;
  for (const std::string_view prefix : {std::string_view(kCommon), std::string_view(kWeb)}) {
    for (const auto& [key, value] : state) {
      if (key.starts_with(prefix)) result[key.substr(prefix.size())] = value;
    }
  }
  if (const auto single = state.find(kSingle); single != state.end()) result[kSingle] = single->second;
  return result;
}

std::optional<Stamp> stamp_of(const Values& snapshot) {
  std::optional<Stamp> newest;
  for (const char* name : kStamps) {
    const auto found = snapshot.find(name);
    if (found == snapshot.end()) continue;
    newest = std::max(newest.value_or(0), Stamp{std::strtoull(found->second.c_str(), nullptr, 10)});
  }
  return newest;
}

// In a few words, for whoever reads the violation.
std::string differences(const Values& expected, const Values& snapshot) {
  constexpr std::size_t kMost = 6;
  std::string text;
  std::size_t count = 0;
  const auto add = [&](const std::string& key, const std::string& is, const std::string& instead_of) {
    if (++count > kMost) return;
    text += (text.empty() ? "" : ", ") + key + " is " + is + " instead of " + instead_of;
  };
  for (const auto& [key, value] : expected) {
    const auto found = snapshot.find(key);
    if (found == snapshot.end()) {
      add(key, "absent", value);
    } else if (found->second != value) {
      add(key, found->second, value);
    }
  }
  for (const auto& [key, value] : snapshot) {
    if (!expected.contains(key)) add(key, value, "absent");
  }
  return count <= kMost ? text : text + " and " + std::to_string(count - kMost) + " more";
}

std::string named(Stamp stamp) { return "state " + std::to_string(stamp); }

}  // namespace

History::History(Stamp stamp, Values state, Time at) {
  Values shown = merged(state);
  proposals_.emplace(stamp, Proposal{.parent = 0, .state = std::move(state), .merged = std::move(shown)});
  line_.push_back({stamp, at});
}

void History::propose(Stamp stamp, Stamp parent, Values state) {
  Values shown = merged(state);
  const std::lock_guard lock(mutex_);
  proposals_.insert_or_assign(stamp,
                              Proposal{.parent = parent, .state = std::move(state), .merged = std::move(shown)});
}

bool History::became(Stamp stamp, Time at) {
  const std::lock_guard lock(mutex_);
  const Stamp from = line_.back().stamp;
  std::vector<Stamp> steps;
  for (Stamp step = stamp; step != from;) {
    const auto found = proposals_.find(step);
    if (found == proposals_.end() || found->second.parent == 0) return false;
    steps.push_back(step);
    step = found->second.parent;
  }
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) line_.push_back({*step, at});
  return true;
}

void History::restored(Stamp stamp, Time at) {
  const std::lock_guard lock(mutex_);
  line_.push_back({stamp, at});
}

Stamp History::head() const {
  const std::lock_guard lock(mutex_);
  return line_.back().stamp;
}

Values History::state(Stamp stamp) const {
  const std::lock_guard lock(mutex_);
  return proposals_.at(stamp).state;
}

std::string History::identify(const Values& snapshot, Stamp& stamp) const {
  if (snapshot.empty()) return "an empty snapshot";
  const auto newest = stamp_of(snapshot);
  if (!newest) return "a snapshot without any stamp";
  stamp = *newest;
  const std::lock_guard lock(mutex_);
  const auto found = proposals_.find(stamp);
  if (found == proposals_.end()) return named(stamp) + " was given up long ago, or never written";
  if (found->second.merged == snapshot) return "";
  return "not one state: as " + named(stamp) + " goes, " + differences(found->second.merged, snapshot);
}

void History::removed(Removal removal) {
  const std::lock_guard lock(mutex_);
  removals_.push_back(removal);
}

std::optional<std::size_t> History::find(Stamp stamp, std::size_t from) const {
  const auto found = std::find_if(line_.begin() + static_cast<std::ptrdiff_t>(from), line_.end(),
                                  [&](const Point& point) { return point.stamp == stamp; });
  if (found == line_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - line_.begin());
}

Findings History::judge(const std::vector<Observation>& seen) const {
  const std::lock_guard lock(mutex_);
  Findings findings;
  std::size_t at = 0;  // the earliest point that explains everything so far
  for (const Observation& one : seen) {
    std::string problem;
    if (one.from_backup) {
      problem = judge_backup(one);
    } else if (const auto next = find(one.stamp, at)) {
      if (!one.first && at + 1 < line_.size()) {
        const auto age = std::chrono::duration_cast<milliseconds>(one.time - line_[at + 1].since);
        findings.longest_age = std::max(findings.longest_age, age);
      }
      at = *next;
    } else {
      problem = explain(one, at);
    }
    if (!problem.empty()) findings.violations.push_back({one.time, std::move(problem)});
  }
  return findings;
}

std::string History::judge_backup(const Observation& seen) const {
  std::size_t floor = 0;
  bool removed = false;
  for (const Removal& removal : removals_) {
    if (removal.time > seen.time) break;
    removed = true;
    floor = find(removal.backup, floor).value_or(floor);
  }
  if (!removed) return named(seen.stamp) + " from the backup, though the segment was never removed";
  if (find(seen.stamp, floor)) return "";
  return named(seen.stamp) + " from a backup that is older than the one on disk when the segment was removed (" +
         named(line_[floor].stamp) + ")";
}

std::string History::explain(const Observation& seen, std::size_t from) const {
  if (find(seen.stamp, 0)) return "older: " + named(seen.stamp) + " after " + named(line_[from].stamp);
  return named(seen.stamp) + " was never Consul's";
}

void History::forget() {
  const std::lock_guard lock(mutex_);
  const Point head = line_.back();
  Proposal state = std::move(proposals_.at(head.stamp));
  state.parent = 0;
  proposals_.clear();
  proposals_.emplace(head.stamp, std::move(state));
  line_ = {head};
  removals_.clear();
}

}  // namespace shmconf::chaos
