#include "sources/state_reader.h"

#include <span>
#include <utility>

#include "settings/sources_hash.h"
#include "shmconf/format.h"
#include "sources/documents.h"
#include "sources/overlay.h"
#include "sources/text_arena.h"

namespace shmconf::sources {
namespace {

namespace asio = boost::asio;

Error detached_error() {
  return {ErrorCode::kUnavailable, "the segment is not attached: see the message before, it is tried again"};
}

Published moved_meanwhile() {
  Published published;
  published.outcome = shm::Outcome::kMoved;
  return published;
}

}  // namespace

StateReader::StateReader(asio::io_context& io, const settings::Settings& settings, Events events, ReadLimits limits,
                         backup::Store* backup)
    : settings_(settings),
      limits_(limits),
      hash_(sources_hash(settings.sources, settings.consul)),
      states_(settings.sources.size()),
      sources_(settings_, states_, std::move(events.answered)),
      waiting_(std::move(events.waiting)),
      examiner_(settings_, limits_, states_, backup),
      stop_(io),
      settling_(settings_, limits_, states_, sources_, stop_),
      proof_(settings_, stop_) {}

// --- reading ------------------------------------------------------------------------------------

asio::awaitable<Result<void>> StateReader::read_all(const Lanes& lanes) {
  states_.forget_arrival();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    auto done = co_await sources_.read(i, *lanes[i], settings_.consul.consistency);
    if (!done) co_return done;
    if (stop_.requested()) co_return Stop::error();
  }
  auto settled = co_await settling_.settle(*lanes[states_.size() - 1], states_.size() - 1, true);
  co_return settled;
}

// --- proof --------------------------------------------------------------------------------------

Result<std::optional<Evidence>> StateReader::examine(PublishTarget& target, const shm::Content& content) {
  const auto published = target.current();  // its bytes may go with the next call of this
  // After that look: whoever sees a newer generation sees its count too. Beside a state that is newer than
  // it, an answer would look as if Consul had gone back in time.
  auto moved = overtaken(target);
  if (!moved) return std::move(moved).error();
  if (*moved) return std::optional<Evidence>();
  auto evidence = examiner_.examine(target, published, content);
  if (!evidence) return std::move(evidence).error();
  return std::optional<Evidence>(std::move(*evidence));
}

asio::awaitable<Result<void>> StateReader::wait_and_read_again(const Lanes& lanes, PublishTarget& target) {
  waiting_("Consul seems to have gone back in time (restored or imported again), and keys are missing: "
           "the last good configuration stays until no key has come for " +
           std::to_string(limits_.stand_still.count()) + " ms");
  co_await stop_.pause(limits_.stand_still);
  if (stop_.requested()) co_return Stop::error();
  if (auto noted = note(target); !noted) co_return noted;
  auto read = co_await read_all(lanes);
  co_return read;
}

// --- publishing ---------------------------------------------------------------------------------

Result<void> StateReader::note(PublishTarget& target) {
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

Result<bool> StateReader::overtaken(PublishTarget& target) const {
  if (target.publisher() == nullptr) return detached_error();
  return target.epoch() != noted_epoch_ || target.publisher()->note() != noted_;
}

void StateReader::forget() {
  examiner_.forget_backup();
  states_.forget();
}

shm::Content StateReader::content() const {
  shm::Content content;
  content.indexes = states_.indexes();
  content.keys = merge(settings_.sources, states_.pairs());
  content.sources_hash = hash_;
  content.origin = settings_.development ? format::Origin::kDev : format::Origin::kConsul;
  return content;
}

asio::awaitable<Result<Published>> StateReader::synchronize(Lanes lanes, PublishTarget& target, int attempts) {
  for (int attempt = 1;; ++attempt) {
    if (auto noted = note(target); !noted) co_return std::move(noted).error();
    auto read = co_await read_all(lanes);
    if (!read) co_return std::move(read).error();
    auto published = co_await publish(lanes, states_.size() - 1, target);
    if (!published || published->outcome != shm::Outcome::kMoved || attempt >= attempts) co_return published;
    if (stop_.requested()) co_return Stop::error();
  }
}

asio::awaitable<Result<Published>> StateReader::publish_taken(Lanes lanes, std::size_t newest, bool alone,
                                                              PublishTarget& target) {
  auto settled = co_await settling_.settle(*lanes[newest], newest, alone);
  if (!settled) co_return std::move(settled).error();
  auto published = co_await publish(lanes, newest, target);
  co_return published;
}

asio::awaitable<Result<Published>> StateReader::publish(const Lanes& lanes, std::size_t newest, PublishTarget& target) {
  int contradictions = 0;
  for (;;) {
    if (stop_.requested()) co_return Stop::error();
    shm::Content merged = content();
    auto examined = examine(target, merged);
    if (!examined) co_return std::move(examined).error();
    if (!*examined) co_return moved_meanwhile();
    Evidence& evidence = **examined;
    // Refused anyway; and when what is deleted comes back, the wait for it must not be in its way.
    if (merged.keys.empty() && !settings_.allow_empty) co_return show(target, merged, Evidence{});
    if (!evidence.stands) {
      // Before anything is asked for by name: what is missing may come back at any moment.
      auto read = co_await wait_and_read_again(lanes, target);
      if (!read) co_return std::move(read).error();
      continue;
    }
    if (evidence.suspects.asked.empty()) co_return show(target, merged, std::move(evidence));
    auto proof = co_await proof_.prove(evidence.suspects, *lanes[newest]);
    if (!proof) co_return std::move(proof).error();
    if (*proof == Proof::kGone) co_return show(target, merged, std::move(evidence));
    // Deleted and made again meanwhile; or the list is filtered, though the key itself may be read.
    if (++contradictions > limits_.contradictions) {
      co_return Error{ErrorCode::kUnavailable, "Consul lists a source without keys that it has: the last good "
                                               "configuration stays; check the token's rules"};
    }
    if (auto noted = note(target); !noted) co_return std::move(noted).error();
    auto read = co_await read_all(lanes);
    if (!read) co_return std::move(read).error();
  }
}

Result<Published> StateReader::show(PublishTarget& target, shm::Content& content, Evidence evidence) {
  auto moved = overtaken(target);
  if (!moved) return std::move(moved).error();
  if (*moved) return moved_meanwhile();
  Published published;
  const auto began = std::chrono::steady_clock::now();
  const auto arrived = states_.arrived();
  content.read_wall = target.wall_now() - (arrived ? began - *arrived : std::chrono::nanoseconds(0));
  TextArena storage;
  const auto expand = [&](shm::Content& merged) { published.warnings = expand_documents(merged, storage); };
  const shm::Publisher::Options options{.allow_empty = settings_.allow_empty, .differs_from = evidence.differs_from};
  auto outcome = target.publisher()->publish(content, noted_, options, expand);
  if (!outcome) return std::move(outcome).error();
  published.outcome = *outcome;
  if (*outcome == shm::Outcome::kPublished) {
    published.changes = std::move(evidence.changes);
    count_publish(target, began);
    if (!settling_.settled()) target.segment().page().settled_rounds_exceeded.fetch_add(1, std::memory_order_relaxed);
  }
  if (*outcome == shm::Outcome::kPublished || *outcome == shm::Outcome::kUnchanged) shown(target);
  states_.forget_arrival();
  return published;
}

void StateReader::count_publish(PublishTarget& target, std::chrono::steady_clock::time_point began) const {
  const auto now = std::chrono::steady_clock::now();
  const auto nanoseconds = [now](std::chrono::steady_clock::time_point since) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now - since).count());
  };
  format::RoleCounters& counters = target.segment().counters(target.role());
  counters.publish.add(nanoseconds(began));
  if (const auto arrived = states_.arrived()) counters.propagation.add(nanoseconds(*arrived));
}

void StateReader::shown(PublishTarget& target) {
  const auto published = target.current();
  shown_generation_ = published ? published->header().generation : 0;
  examiner_.believe();
  states_.mark_published();
}

}  // namespace shmconf::sources
