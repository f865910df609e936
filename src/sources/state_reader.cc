#include "sources/state_reader.h"

#include <utility>

namespace shmconf::sources {

namespace asio = boost::asio;

StateReader::StateReader(asio::io_context& io, const settings::Settings& settings, Events events, ReadLimits limits,
                         backup::Store* backup)
    : settings_(settings),
      limits_(limits),
      waiting_(std::move(events.waiting)),
      stop_(io),
      states_(settings.sources.size()),
      sources_(settings_, states_, std::move(events.answered)),
      settling_(settings_, limits_, states_, sources_, stop_),
      examiner_(settings_, limits_, states_, backup),
      proof_(settings_, stop_),
      publication_(settings_, states_) {}

void StateReader::forget() {
  examiner_.forget_backup();
  states_.forget();
}

asio::awaitable<Result<Published>> StateReader::synchronize(Lanes lanes, PublishTarget& target, int attempts) {
  for (int attempt = 1;; ++attempt) {
    if (auto noted = publication_.note(target); !noted) co_return std::move(noted).error();
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
    shm::Content merged = publication_.content();
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
    if (auto noted = publication_.note(target); !noted) co_return std::move(noted).error();
    auto read = co_await read_all(lanes);
    if (!read) co_return std::move(read).error();
  }
}

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

asio::awaitable<Result<void>> StateReader::wait_and_read_again(const Lanes& lanes, PublishTarget& target) {
  waiting_("Consul seems to have gone back in time (restored or imported again), and keys are missing: "
           "the last good configuration stays until no key has come for " +
           std::to_string(limits_.stand_still.count()) + " ms");
  co_await stop_.pause(limits_.stand_still);
  if (stop_.requested()) co_return Stop::error();
  if (auto noted = publication_.note(target); !noted) co_return noted;
  auto read = co_await read_all(lanes);
  co_return read;
}

Result<std::optional<Evidence>> StateReader::examine(PublishTarget& target, const shm::Content& content) {
  const auto published = target.current();  // its bytes may go with the next call of this
  // After that look: whoever sees a newer generation sees its count too. Beside a state that is newer than
  // it, an answer would look as if Consul had gone back in time.
  auto moved = publication_.overtaken(target);
  if (!moved) return std::move(moved).error();
  if (*moved) return std::optional<Evidence>();
  auto evidence = examiner_.examine(target, published, content);
  if (!evidence) return std::move(evidence).error();
  return std::optional<Evidence>(std::move(*evidence));
}

Result<Published> StateReader::show(PublishTarget& target, shm::Content& content, Evidence evidence) {
  auto published = publication_.show(target, content, std::move(evidence), settling_.settled());
  if (published && published->is_shown()) examiner_.believe();
  return published;
}

}  // namespace shmconf::sources
