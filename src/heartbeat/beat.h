// Beat: a full read of all sources at the start and then in each interval, and a backup after each
// and soon after each new generation, whoever published it.
//
// Holds no connection between reads.
#ifndef SHMCONF_HEARTBEAT_BEAT_H_
#define SHMCONF_HEARTBEAT_BEAT_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "consul/backoff.h"
#include "consul/client.h"
#include "consul/credentials.h"
#include "heartbeat/generation_watch.h"
#include "heartbeat/pace.h"
#include "settings/settings.h"
#include "sources/activity.h"
#include "sources/state_reader.h"
#include "sources/wakeup.h"

namespace shmconf::heartbeat {

class Beat final : public sources::Activity {
 public:
  // After a backup that could not be written.
  static constexpr std::chrono::milliseconds kWriteAgain{30'000};

  Beat(const sources::Surroundings& surroundings, const settings::Settings& settings,
       sources::ReadLimits limits = sources::ReadLimits(), std::chrono::milliseconds write_again = kWriteAgain);

  void start() override;
  void renewed() override;

 protected:
  void interrupt() override;

 private:
  boost::asio::awaitable<void> read_now_and_then();
  boost::asio::awaitable<void> keep_backup();
  void watch_generations();
  void start_watch();
  void write_backup();
  Result<void> write(const SnapshotView& current);

  const settings::Settings settings_;
  const sources::Surroundings around_;
  const std::uint64_t sources_hash_;
  const std::shared_ptr<consul::Credentials> credentials_;
  consul::Client client_;
  sources::StateReader reader_;
  consul::Backoff backoff_;
  Pace pace_;
  sources::Wakeup next_;
  // Shared with what the thread has posted and what may run after this object.
  std::shared_ptr<sources::Wakeup> generation_moved_;
  sources::Wakeup calm_;
  std::unique_ptr<GenerationWatch> generations_;  // null: it could not be started, and is tried again
  std::string watch_trouble_;
  const std::chrono::milliseconds write_again_;
  bool write_failed_ = false;
  std::uint64_t backed_up_ = 0;  // generation that the backup holds
};

}  // namespace shmconf::heartbeat

#endif  // SHMCONF_HEARTBEAT_BEAT_H_
