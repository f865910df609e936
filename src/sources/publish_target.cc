#include "sources/publish_target.h"

#include <string>
#include <utility>

namespace shmconf::sources {
namespace {

const char* name_of(format::Role role) { return role == format::Role::kWatch ? "watch" : "heartbeat"; }

format::LockByte life_lock(format::Role role) {
  return role == format::Role::kWatch ? format::LockByte::kWatch : format::LockByte::kHeartbeat;
}

}  // namespace

Result<std::unique_ptr<PublishTarget>> PublishTarget::attach(env::Env& env, shm::Place place, format::Role role) {
  auto segment = shm::Segment::attach(env, std::move(place));
  if (!segment) return std::move(segment).error();
  auto lock = segment->try_lock(life_lock(role));
  if (!lock) return std::move(lock).error();
  if (!lock->held()) {
    return Error{ErrorCode::kDenied, std::string("another ") + name_of(role) + " runs for '" + segment->place().name +
                                         "' in '" + segment->place().root +
                                         "': stop it first, or choose another name or directory"};
  }
  if (auto given = segment->give_access(); !given) return std::move(given).error();
  std::unique_ptr<PublishTarget> target(
      new PublishTarget(env, std::move(*segment), std::move(*lock), role));
  // A first attempt that finds a damaged snapshot retires its page; the second one has a new page.
  auto renewed = target->renew();
  if (!renewed) renewed = target->renew();
  if (!renewed) return std::move(renewed).error();
  target->epoch_ = target->told_epoch_ = 1;
  return target;
}

Result<bool> PublishTarget::renew() {
  auto replaced = segment_.renew_if_replaced();
  if (!replaced) {
    publisher_.reset();
    return std::move(replaced).error();
  }
  if (*replaced || !publisher_) {
    if (auto checked = check_snapshot(); !checked) return std::move(checked).error();
  }
  return std::exchange(told_epoch_, epoch_) != epoch_;
}

Result<void> PublishTarget::check_snapshot() {
  publisher_.reset();
  auto publisher = shm::Publisher::attach(*env_, segment_, role_);
  if (!publisher) return std::move(publisher).error();
  publisher_.emplace(std::move(*publisher));
  ++epoch_;
  return {};
}

std::optional<SnapshotView> PublishTarget::current() {
  if (!publisher_) return std::nullopt;
  return publisher_->current();
}

}  // namespace shmconf::sources
