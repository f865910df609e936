#include "reader/changes.h"

#include <optional>
#include <utility>

namespace shmconf::reader {
namespace {

bool is_same(const Entry& before, const Entry& after) {
  return before.value == after.value && before.flags() == after.flags();
}

// A walk that holds its present entry.
struct Cursored {
  SnapshotView::Walk walk;
  Entry entry;
  bool there;

  Cursored(const SnapshotView& view, std::string_view prefix)
      : walk(view.walk(prefix)), there(walk.next(entry)) {}
  void step() { there = walk.next(entry); }
};

}  // namespace

std::uint64_t Changes::add(std::string_view key_or_prefix, ChangeCallback callback, Snapshot told) {
  const bool is_prefix = key_or_prefix.empty() || key_or_prefix.back() == '/';
  subscriptions_.push_back(std::make_shared<Subscription>(Subscription{.id = ++last_id_,
                                                                       .key = std::string(key_or_prefix),
                                                                       .is_prefix = is_prefix,
                                                                       .callback = std::move(callback),
                                                                       .told = std::move(told)}));
  return last_id_;
}

void Changes::remove(std::uint64_t id) noexcept {
  std::erase_if(subscriptions_, [id](const auto& subscription) {
    if (subscription->id != id) return false;
    subscription->removed = true;  // for a delivery that is under way
    return true;
  });
}

void Changes::deliver(const Snapshot& now) {
  if (delivering_ || subscriptions_.empty()) return;
  delivering_ = true;
  struct Done {
    bool& flag;
    ~Done() { flag = false; }
  } const done{delivering_};
  // A copy: callbacks may add and remove callbacks.
  for (const auto& subscription : std::vector(subscriptions_)) {
    const bool told = subscription->told.view().bytes().data() == now.view().bytes().data();
    if (subscription->removed || told) continue;
    const Snapshot before = std::exchange(subscription->told, now);
    if (subscription->is_prefix) {
      tell_prefix(*subscription, before, now);
    } else {
      tell_key(*subscription, before, now);
    }
  }
}

void Changes::tell_key(Subscription& subscription, const Snapshot& before, const Snapshot& after) {
  Entry old_entry;
  Entry new_entry;
  const Lookup was = before.find(subscription.key, old_entry);
  const Lookup is = after.find(subscription.key, new_entry);
  // Nobody can say what bytes that are not sound have become.
  if (was == Lookup::kDamaged || is == Lookup::kDamaged) return;
  if (was == Lookup::kAbsent && is == Lookup::kAbsent) return;
  if (was == Lookup::kFound && is == Lookup::kFound && is_same(old_entry, new_entry)) return;
  Change change{.key = subscription.key, .before = {}, .after = {}};
  if (was == Lookup::kFound) change.before = old_entry;
  if (is == Lookup::kFound) change.after = new_entry;
  subscription.callback(change);
}

void Changes::tell_prefix(Subscription& subscription, const Snapshot& before, const Snapshot& after) {
  Cursored old_keys(before.view(), subscription.key);
  Cursored new_keys(after.view(), subscription.key);
  while ((old_keys.there || new_keys.there) && !subscription.removed) {
    // An end that is damage is not an end: what follows is not gone.
    if (old_keys.walk.damaged() || new_keys.walk.damaged()) return;
    Change change;
    const int order = !old_keys.there   ? 1
                      : !new_keys.there ? -1
                                        : old_keys.entry.key.compare(new_keys.entry.key);
    if (order <= 0) change.before = old_keys.entry;
    if (order >= 0) change.after = new_keys.entry;
    change.key = order <= 0 ? old_keys.entry.key : new_keys.entry.key;
    if (order <= 0) old_keys.step();
    if (order >= 0) new_keys.step();
    if (change.before && change.after && is_same(*change.before, *change.after)) continue;
    subscription.callback(change);
  }
}

}  // namespace shmconf::reader
