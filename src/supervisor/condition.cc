#include "supervisor/condition.h"

#include <algorithm>

#include "settings/sources_hash.h"

namespace shmconf::supervisor {
namespace {

using format::Role;

const format::RoleState& state_of(const format::ControlPage& page, Role role) {
  return page.roles[static_cast<std::size_t>(role)];
}

// Stamps are made by other processes, so one may be newer than `now`.
bool within(std::uint64_t stamp_ns, std::uint64_t span_ns, std::chrono::nanoseconds now) {
  return stamp_ns != 0 && static_cast<std::uint64_t>(now.count()) <= stamp_ns + span_ns;
}

// Whether the contact of one process says that the configuration is live; as readers judge it (see
// src/reader/status.cc).
bool vouches(const format::RoleState& state, const format::RoleState& other, std::chrono::nanoseconds now) {
  const std::uint64_t contact = state.contact_ns.load(std::memory_order_relaxed);
  const bool in_touch = within(state.alive_ns.load(std::memory_order_relaxed), format::kDeadAfterNs, now) &&
                        state.failing_since_ns.load(std::memory_order_relaxed) == 0 &&
                        within(contact, state.stale_after_ns.load(std::memory_order_relaxed), now);
  const std::uint64_t failing_since = other.failing_since_ns.load(std::memory_order_relaxed);
  if (!in_touch || failing_since == 0) return in_touch;
  if (!within(other.alive_ns.load(std::memory_order_relaxed), format::kDeadAfterNs, now)) return true;
  return contact >= failing_since &&
         within(contact, other.stale_after_ns.load(std::memory_order_relaxed), now);
}

void add_trouble(std::string& trouble, const char* name, const format::RoleState& state) {
  if (state.failing_since_ns.load(std::memory_order_relaxed) == 0) return;
  std::string text;
  if (!state.last_error.load(text) || text.empty()) text = "fails, and does not say why";
  if (!trouble.empty()) trouble += "; ";
  trouble += std::string(name) + ": " + text;
}

}  // namespace

Condition look_at(const format::ControlPage& page, std::chrono::nanoseconds now) {
  Condition condition;
  condition.page = page.created_wall_s;
  // Pairs with the publishers' release store of the generation word.
  const std::uint64_t word = page.generation.load(std::memory_order_acquire);
  if (format::has_snapshot(word)) condition.generation = static_cast<std::uint32_t>(word);
  condition.sync_count = page.sync_count.load(std::memory_order_acquire);
  condition.sources_hash = page.sources_hash.load(std::memory_order_acquire);
  const auto& watch = state_of(page, Role::kWatch);
  const auto& heartbeat = state_of(page, Role::kHeartbeat);
  condition.live = vouches(watch, heartbeat, now) || vouches(heartbeat, watch, now);
  condition.supervised = within(state_of(page, Role::kSupervisor).alive_ns.load(std::memory_order_relaxed),
                                format::kDeadAfterNs, now);
  add_trouble(condition.trouble, "watch", watch);
  add_trouble(condition.trouble, "heartbeat", heartbeat);
  return condition;
}

std::string to_status(const Condition& condition) {
  std::string text;
  if (condition.generation == 0) {
    text = "no configuration yet";
  } else {
    text = condition.live ? "live, generation " : "stale, generation ";
    text += std::to_string(condition.generation);
  }
  if (!condition.trouble.empty()) text += "; " + condition.trouble;
  return text;
}

Readiness Readiness::begin(const Condition& condition, const settings::Settings& settings, Time now) {
  return {.began = now,
          .startup_timeout = settings.startup_timeout,
          .page_before = condition.page,
          .sync_count_before = condition.sync_count,
          .sources_hash = settings::sources_hash(settings.sources, settings.consul)};
}

bool Readiness::compared(const Condition& condition) const {
  // A page that was replaced counts from zero again.
  return condition.sync_count != (condition.page == page_before ? sync_count_before : 0);
}

bool Readiness::fits(const Condition& condition) const {
  return condition.sources_hash == 0 || condition.sources_hash == sources_hash;
}

Verdict Readiness::judge(const Condition& condition, Time now) const {
  const bool published = condition.generation != 0 && fits(condition);
  if (published && compared(condition)) return Verdict::kGo;
  if (now < began + startup_timeout) return Verdict::kWait;
  if (published) return Verdict::kGo;
  return now < began + std::max(startup_timeout, kRestoreTime) ? Verdict::kWait : Verdict::kGiveUp;
}

Verdict Readiness::judge_attached(const Condition& condition, Time now) const {
  const bool published = condition.generation != 0 && fits(condition);
  if (published && condition.live && condition.supervised) return Verdict::kGo;
  return judge(condition, now);
}

std::string last_known_configuration(const Readiness& readiness, const Condition& condition) {
  return "Consul did not answer within " + std::to_string(readiness.startup_timeout.count()) + " ms" +
         (condition.trouble.empty() ? "" : "; " + condition.trouble) +
         ": starting with the last known configuration";
}

Error no_configuration(const Readiness& readiness, const Condition& condition) {
  const auto waited = std::max(readiness.startup_timeout, kRestoreTime);
  if (condition.generation != 0 && !readiness.fits(condition)) {
    return Error{ErrorCode::kNotReady,
                 "within " + std::to_string(waited.count()) + " ms no configuration but one from other sources (" +
                     (condition.trouble.empty() ? "another sidecar of this name mirrors those" : condition.trouble) +
                     "): give both the same sources, or this one another --name"};
  }
  return Error{ErrorCode::kNotReady,
               "no configuration within " + std::to_string(waited.count()) + " ms, and no backup (" +
                   (condition.trouble.empty() ? "Consul did not answer" : condition.trouble) +
                   "): check --consul and the token, or supply a backup with 'shmconf pack'"};
}

}  // namespace shmconf::supervisor
