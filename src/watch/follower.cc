#include "watch/follower.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "sources/report.h"
#include "sources/within_memory.h"

namespace shmconf::watch {
namespace {

namespace asio = boost::asio;
using sources::Polled;
using sources::Published;
using Clock = std::chrono::steady_clock;
using Step = Result<std::optional<Published>>;

// Queries that come back at once without a change: so many freely, then one in each interval.
constexpr int kFreeSpins = 20;
constexpr std::chrono::milliseconds kSpinInterval{250};
// Two processes that publish in turns; one of them gets through long before.
constexpr int kAttempts = 20;

std::chrono::nanoseconds now() { return Clock::now().time_since_epoch(); }

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

}  // namespace

Follower::Poller::Poller(asio::io_context& io, const settings::Consul& consul,
                         std::shared_ptr<consul::Credentials> credentials, std::chrono::nanoseconds at)
    : client(io, consul, consul::Limits(), std::move(credentials)), go(io), spin(kFreeSpins, kSpinInterval, at) {}

Follower::Follower(const sources::Surroundings& surroundings, const settings::Settings& settings,
                   sources::ReadLimits limits)
    : Activity(surroundings.io),
      settings_(settings),
      around_(surroundings),
      credentials_(std::make_shared<consul::Credentials>(settings.consul)),
      reader_(surroundings.io, settings,
              {.answered = [this] { around_.liveness.answered(); },
               .waiting = [this](const std::string& why) {
                 around_.liveness.failed({ErrorCode::kUnavailable, why});
               }},
              limits, surroundings.backup),
      backoff_(consul::process_seed()),
      event_(surroundings.io),
      pause_(surroundings.io) {
  for (std::size_t i = 0; i < settings_.sources.size(); ++i) {
    pollers_.push_back(std::make_unique<Poller>(surroundings.io, settings_.consul, credentials_, now()));
  }
}

void Follower::start() {
  for (std::size_t i = 0; i < pollers_.size(); ++i) spawn(poll(i));
  spawn(coordinate());
}

void Follower::renewed() {
  everything_ = true;
  event_.notify();
}

void Follower::interrupt() {
  reader_.stop();
  event_.notify();
  pause_.notify();
  for (auto& poller : pollers_) {
    poller->go.notify();
    poller->client.close();
  }
  if (spare_) spare_->close();
}

// --- the pollers --------------------------------------------------------------------------------

asio::awaitable<void> Follower::poll(std::size_t source) {
  Poller& poller = *pollers_[source];
  while (!stopping()) {
    if (!poller.asking) {
      co_await poller.go.wait();
      continue;
    }
    const auto delay = std::exchange(poller.delay, std::chrono::nanoseconds(0));
    if (delay.count() > 0) {
      static_cast<void>(co_await poller.go.wait_for(delay));
      if (stopping()) co_return;
    }
    consul::Query query;
    query.source = settings_.sources[source];
    query.index = reader_.index(source);
    query.consistency = settings_.consul.consistency;
    const auto start = Clock::now();
    auto answer = co_await sources::within_memory(poller.client.query(query));
    if (stopping()) co_return;
    poller.brought.emplace(Polled{.asked = query.index,
                                  .elapsed = since(start),
                                  .fresh_connection = poller.client.fresh_connection(),
                                  .answer = std::move(answer)});
    poller.asking = false;
    event_.notify();
  }
}

// `changed` tells whether the queries that came back were worth it.
void Follower::resume_pollers(bool changed) {
  for (auto& poller : pollers_) {
    if (poller->asking || poller->brought) continue;
    poller->delay = changed ? std::chrono::nanoseconds(0) : poller->spin.take(now());
    poller->asking = true;
    poller->go.notify();
  }
}

// --- the coordinator ----------------------------------------------------------------------------

asio::awaitable<void> Follower::coordinate() {
  while (!stopping()) {
    if (!everything_) co_await event_.wait();
    if (stopping()) co_return;
    auto step = co_await sources::within_memory(advance());
    if (stopping()) co_return;
    if (step && !*step) continue;
    if (step && (*step)->outcome == shm::Outcome::kMoved) {
      around_.liveness.compared(format::Comparison::kOvertaken);
      continue;
    }
    const auto published = step ? Result<Published>(std::move(**step)) : Result<Published>(std::move(step).error());
    around_.liveness.set_credentials_trouble(credentials_->trouble());
    static_cast<void>(sources::report(published, around_.target, around_.liveness));
    if (published) {
      backoff_.succeed();
      co_await prepare_next();
      continue;
    }
    everything_ = true;
    static_cast<void>(co_await pause_.wait_for(backoff_.fail(pollers_.front()->client.is_local())));
  }
}

// Once the next query is on its way.
asio::awaitable<void> Follower::prepare_next() {
  co_await asio::post(io(), asio::use_awaitable);
  if (!stopping() && around_.target.publisher() != nullptr) around_.target.publisher()->prepare_next();
}

asio::awaitable<Step> Follower::advance() {
  if (!everything_) {
    auto taken = co_await take_brought();
    if (!everything_) co_return taken;
  }
  // What was brought meanwhile is older than what is read now.
  for (auto& poller : pollers_) poller->brought.reset();
  auto published = co_await read_everything();
  if (!published) co_return std::move(published).error();
  everything_ = published->outcome == shm::Outcome::kMoved;
  resume_pollers(true);
  co_return std::optional<Published>(std::move(*published));
}

asio::awaitable<Step> Follower::take_brought() {
  std::optional<std::size_t> newest;
  bool alone = true;
  bool waited = false;
  for (std::size_t i = 0; i < pollers_.size(); ++i) {
    Poller& poller = *pollers_[i];
    if (!poller.brought) continue;
    Polled polled = std::move(*poller.brought);
    poller.brought.reset();
    waited |= polled.elapsed >= settings_.consul.wait;
    auto taken = co_await reader_.take(i, poller.client, std::move(polled));
    if (!taken) co_return std::move(taken).error();
    if (!*taken) continue;
    alone = !newest;
    newest = i;
  }
  if (!newest) {
    resume_pollers(true);
    co_return std::nullopt;
  }
  auto published = co_await reader_.publish_taken(lanes(pollers_[*newest]->client), *newest, alone, around_.target);
  if (!published) co_return std::move(published).error();
  if (published->outcome == shm::Outcome::kMoved) {
    everything_ = true;
  } else {
    resume_pollers(waited || published->outcome == shm::Outcome::kPublished);
  }
  co_return std::optional<Published>(std::move(*published));
}

asio::awaitable<Result<Published>> Follower::read_everything() {
  const auto free = std::find_if(pollers_.begin(), pollers_.end(), [](const auto& poller) { return !poller->asking; });
  if (free == pollers_.end()) {
    spare_ = std::make_unique<consul::Client>(io(), settings_.consul, consul::Limits(), credentials_);
  }
  consul::Client& otherwise = spare_ ? *spare_ : (*free)->client;
  auto published = co_await reader_.synchronize(lanes(otherwise), around_.target, kAttempts);
  spare_.reset();
  co_return published;
}

sources::StateReader::Lanes Follower::lanes(consul::Client& otherwise) {
  sources::StateReader::Lanes lanes;
  for (auto& poller : pollers_) lanes.push_back(poller->asking ? &otherwise : &poller->client);
  return lanes;
}

}  // namespace shmconf::watch
