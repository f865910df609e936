#include "sources/publication.h"

#include <span>
#include <utility>

#include "settings/sources_hash.h"
#include "shmconf/format.h"
#include "sources/documents.h"
#include "sources/overlay.h"
#include "sources/text_arena.h"

namespace shmconf::sources {
namespace {

Error detached_error() {
  return {ErrorCode::kUnavailable, "the segment is not attached: see the message before, it is tried again"};
}

}  // namespace

Published moved_meanwhile() {
  Published published;
  published.outcome = shm::Outcome::kMoved;
  return published;
}

Publication::Publication(const settings::Settings& settings, SourceStates& states)
    : settings_(settings), hash_(sources_hash(settings.sources, settings.consul)), states_(states) {}

Result<void> Publication::note(PublishTarget& target) {
  if (target.publisher() == nullptr) return detached_error();
  const std::uint64_t now = target.publisher()->note();
  if (now == noted_ && target.epoch() == noted_epoch_) return {};
  const bool same_page = target.epoch() == noted_epoch_;
  noted_ = now;
  noted_epoch_ = target.epoch();
  const auto published = target.current();
  const bool still_shown = same_page && published && published->header().generation == shown_generation_;
  const bool ours = published && published->header().sources_hash == hash_ &&
                    published->indexes().size() == states_.size();
  // Another process has published: what this one held before is no longer what is there.
  if (!still_shown) states_.forget_published();
  states_.set_published_indexes(ours ? published->indexes() : std::span<const std::uint64_t>());
  return {};
}

Result<bool> Publication::overtaken(PublishTarget& target) const {
  if (target.publisher() == nullptr) return detached_error();
  return target.epoch() != noted_epoch_ || target.publisher()->note() != noted_;
}

shm::Content Publication::content() const {
  shm::Content content;
  content.indexes = states_.indexes();
  content.keys = merge(settings_.sources, states_.pairs());
  content.sources_hash = hash_;
  content.origin = settings_.development ? format::Origin::kDev : format::Origin::kConsul;
  return content;
}

Result<Published> Publication::show(PublishTarget& target, shm::Content& content, Evidence evidence, bool settled) {
  auto moved = overtaken(target);
  if (!moved) return std::move(moved).error();
  if (*moved) return moved_meanwhile();
  Published published;
  const auto began = std::chrono::steady_clock::now();
  const auto arrived = states_.arrived();
  content.read_wall = target.wall_now() - (arrived ? began - *arrived : std::chrono::nanoseconds(0));
  TextArena storage;
  const auto expand = [&](shm::Content& merged) {
    published.warnings = expand_documents(merged, evidence.documents, storage);
  };
  const shm::Publisher::Options options{.allow_empty = settings_.allow_empty, .differs_from = evidence.differs_from};
  auto outcome = target.publisher()->publish(content, noted_, options, expand);
  if (!outcome) return std::move(outcome).error();
  published.outcome = *outcome;
  if (*outcome == shm::Outcome::kPublished) {
    published.changes = std::move(evidence.changes);
    count_publish(target, began);
    if (!settled) target.segment().page().settled_rounds_exceeded.fetch_add(1, std::memory_order_relaxed);
  }
  if (published.is_shown()) shown(target);
  states_.forget_arrival();
  return published;
}

void Publication::count_publish(PublishTarget& target, std::chrono::steady_clock::time_point began) const {
  const auto now = std::chrono::steady_clock::now();
  const auto nanoseconds = [now](std::chrono::steady_clock::time_point since) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now - since).count());
  };
  format::RoleCounters& counters = target.segment().counters(target.role());
  counters.publish.add(nanoseconds(began));
  if (const auto arrived = states_.arrived()) counters.propagation.add(nanoseconds(*arrived));
}

void Publication::shown(PublishTarget& target) {
  const auto published = target.current();
  shown_generation_ = published ? published->header().generation : 0;
  states_.mark_published();
}

}  // namespace shmconf::sources
