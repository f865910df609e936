#include "shmconf/status.h"

#include <algorithm>

#include "reader/attachment.h"

namespace shmconf {

const char* verdict_name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kLive: return "live";
    case Verdict::kStale: return "stale";
    case Verdict::kBackup: return "backup";
    case Verdict::kDead: return "dead";
  }
  return "unknown";
}

const char* origin_name(format::Origin origin) noexcept {
  switch (origin) {
    case format::Origin::kConsul: return "consul";
    case format::Origin::kBackup: return "backup";
    case format::Origin::kDev: return "dev";
  }
  return "unknown";
}

namespace reader {
namespace {

using std::chrono::nanoseconds;

// The age of a stamp, 0 if it is of this very moment or later; empty if it never was.
std::optional<nanoseconds> age(const std::atomic<std::uint64_t>& stamp_ns, nanoseconds now) {
  // Pairs with its role's release store.
  const std::uint64_t stamp = stamp_ns.load(std::memory_order_acquire);
  if (stamp == 0) return std::nullopt;
  // Unsigned: a damaged stamp may be any number.
  const auto now_ns = static_cast<std::uint64_t>(now.count());
  return nanoseconds(stamp < now_ns ? static_cast<std::int64_t>(now_ns - stamp) : 0);
}

template <std::size_t kRead, std::size_t kThere>
void copy(const std::array<std::atomic<std::uint64_t>, kThere>& from, std::array<std::uint64_t, kRead>& into) {
  static_assert(kRead <= kThere);
  for (std::size_t i = 0; i < kRead; ++i) into[i] = from[i].load(std::memory_order_relaxed);
}

void copy(const format::Durations& from, DurationCounts& into) {
  copy(from.counts, into.counts);
  into.sum_ns = from.sum_ns.load(std::memory_order_relaxed);
}

RoleStatus read_role(const format::RoleState& role, const format::RoleCounters& counters, nanoseconds now,
                     bool retired) {
  RoleStatus status;
  status.stamp_age = age(role.alive_ns, now);
  status.alive = !retired && status.stamp_age && *status.stamp_age <= nanoseconds(format::kDeadAfterNs);
  status.contact_age = age(role.contact_ns, now);
  status.failing_for = age(role.failing_since_ns, now);
  const std::uint64_t stale_after = role.stale_after_ns.load(std::memory_order_acquire);
  status.stale_after = nanoseconds(static_cast<std::int64_t>(stale_after));
  status.failures = role.failures.load(std::memory_order_relaxed);
  status.queries = role.queries.load(std::memory_order_relaxed);
  status.publishes = role.publishes.load(std::memory_order_relaxed);
  status.starts = role.starts.load(std::memory_order_relaxed);
  copy(counters.comparisons, status.comparisons);
  copy(counters.errors, status.errors);
  status.backup_failures = counters.backup_failures.load(std::memory_order_relaxed);
  copy(counters.propagation, status.propagation);
  copy(counters.publish, status.publish);
  if (!role.last_error.load(status.last_error)) status.last_error.clear();
  return status;
}

// Whether the contact of one role says that the configuration is live. While the other one fails, a
// contact from before that says nothing, and a later one only as long as the stricter role allows:
// the heartbeat asks four times an hour.
bool vouches(const RoleStatus& role, const RoleStatus& other) {
  if (!role.alive || !role.contact_age || role.failing_for) return false;
  if (*role.contact_age > role.stale_after) return false;
  if (!other.alive || !other.failing_for) return true;
  return *role.contact_age <= *other.failing_for && *role.contact_age <= other.stale_after;
}

Verdict judge(const Status& status) {
  // The supervisor renews nothing itself.
  const RoleStatus& watch = status.role(format::Role::kWatch);
  const RoleStatus& heartbeat = status.role(format::Role::kHeartbeat);
  if (!watch.alive && !heartbeat.alive) return Verdict::kDead;
  if (status.origin == format::Origin::kBackup) return Verdict::kBackup;
  // What was published came from Consul, and its publisher is about to say so: no page stays without a
  // contact for longer, unless queries fail.
  const bool about_to_say =
      !watch.contact_age && !heartbeat.contact_age && !watch.failing_for && !heartbeat.failing_for;
  return about_to_say || vouches(watch, heartbeat) || vouches(heartbeat, watch) ? Verdict::kLive : Verdict::kStale;
}

std::chrono::sys_time<nanoseconds> wall(std::uint64_t ns) {
  return std::chrono::sys_time<nanoseconds>(nanoseconds(static_cast<std::int64_t>(ns)));
}

void describe_snapshot(const SnapshotView& view, Status& status) {
  const format::SnapshotHeader& header = view.header();
  status.generation = header.generation;
  status.key_count = header.key_count;
  status.pointer_count = header.pointer_count;
  status.key_value_bytes = header.key_value_bytes;
  status.snapshot_bytes = header.total_bytes;
  status.origin = header.origin;
  status.indexes.assign(view.indexes().begin(), view.indexes().end());
  status.published = wall(header.published_wall_ns);
  status.read = wall(header.read_wall_ns);
}

void describe_page(const format::ControlPage& page, nanoseconds now, Status& status) {
  status.retired = page.generation.load(std::memory_order_acquire) == format::kRetired;
  status.sync_count = page.sync_count.load(std::memory_order_acquire);
  status.settled_rounds_exceeded = page.settled_rounds_exceeded.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < format::kRoleCount; ++i) {
    status.roles[i] = read_role(page.roles[i], page.counters[i], now, status.retired);
  }
  const auto& supervisor = page.counters[static_cast<std::size_t>(format::Role::kSupervisor)];
  status.server_starts = supervisor.server_starts.load(std::memory_order_relaxed);
  std::string named;
  if (page.backup_path.load(named) && !named.empty()) status.backup_file = std::move(named);
}

void set_contact_age(Status& status) {
  const auto& watch = status.role(format::Role::kWatch).contact_age;
  const auto& heartbeat = status.role(format::Role::kHeartbeat).contact_age;
  status.contact_age = watch && heartbeat ? std::min(watch, heartbeat) : watch ? watch : heartbeat;
}

}  // namespace

Result<Status> page_status(const Place& place) {
  const auto page = place.open_page();
  if (!page) return page.error();
  std::unique_ptr<format::ControlPage> copy;
  const format::ControlPage* control = (*page)->look(copy);
  if (control == nullptr) return Error{ErrorCode::kDamaged, unreadable_page(place.directory())};
  Status status;
  status.directory = place.directory();
  describe_page(*control, place.now(), status);
  set_contact_age(status);
  const bool alive = status.role(format::Role::kWatch).alive || status.role(format::Role::kHeartbeat).alive;
  status.verdict = alive ? Verdict::kStale : Verdict::kDead;
  return status;
}

Status Attachment::status() {
  look_again();
  Status status;
  describe_snapshot(view, status);
  if (place_) status.directory = place_->directory();
  status.from_file = !backup_file_.empty();
  status.backup_file = backup_file_;
  if (page_) {
    std::unique_ptr<format::ControlPage> copy;
    const format::ControlPage* control = page_->look(copy);
    if (control != nullptr) describe_page(*control, place_->now(), status);
    if (word_now() != taken_word_) status.problem = problem_;
    if (control == nullptr) status.problem = unreadable_page(place_->directory());
  }
  set_contact_age(status);
  status.verdict = judge(status);
  return status;
}

}  // namespace reader
}  // namespace shmconf
