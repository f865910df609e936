// Follower: long polls on all sources at once, and one coroutine that turns what they bring into
// published states.
//
// One connection for each source. A poller asks, hands its answer to the coordinating coroutine and
// rests until that has dealt with it; meanwhile the coordinator may use the connection. After any
// error everything is read again without index.
#ifndef SHMCONF_WATCH_FOLLOWER_H_
#define SHMCONF_WATCH_FOLLOWER_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "consul/backoff.h"
#include "consul/client.h"
#include "consul/credentials.h"
#include "consul/rate_limit.h"
#include "settings/settings.h"
#include "sources/activity.h"
#include "sources/state_reader.h"
#include "sources/wakeup.h"

namespace shmconf::watch {

class Follower final : public sources::Activity {
 public:
  Follower(const sources::Surroundings& surroundings, const settings::Settings& settings,
           sources::ReadLimits limits = sources::ReadLimits());

  void start() override;
  void renewed() override;

 protected:
  void interrupt() override;

 private:
  struct Poller {
    Poller(boost::asio::io_context& io, const settings::Consul& consul,
           std::shared_ptr<consul::Credentials> credentials, std::chrono::nanoseconds now);

    consul::Client client;
    sources::Wakeup go;
    consul::RateLimit spin;
    bool asking = false;                     // the poller has the connection, or waits for its token
    std::chrono::nanoseconds delay{0};       // before the next query
    std::optional<sources::Polled> brought;  // an answer that is not dealt with yet
  };

  boost::asio::awaitable<void> poll(std::size_t source);
  boost::asio::awaitable<void> coordinate();
  boost::asio::awaitable<void> prepare_next();
  // One step: everything anew, or what the pollers have brought. Nothing: nothing was brought.
  boost::asio::awaitable<Result<std::optional<sources::Published>>> advance();
  boost::asio::awaitable<Result<std::optional<sources::Published>>> take_brought();
  boost::asio::awaitable<Result<sources::Published>> read_everything();
  void resume_pollers(bool changed);
  // Free connections as they are; where a source's is busy, another one.
  [[nodiscard]] sources::StateReader::Lanes lanes(consul::Client& otherwise);

  const settings::Settings settings_;
  const sources::Surroundings around_;
  const std::shared_ptr<consul::Credentials> credentials_;
  sources::StateReader reader_;
  consul::Backoff backoff_;
  std::vector<std::unique_ptr<Poller>> pollers_;
  std::unique_ptr<consul::Client> spare_;  // while all connections are busy with polls
  sources::Wakeup event_;
  sources::Wakeup pause_;
  bool everything_ = true;  // has to be read again
};

}  // namespace shmconf::watch

#endif  // SHMCONF_WATCH_FOLLOWER_H_
