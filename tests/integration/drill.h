// Drill: a sidecar, a configuration that goes through numbered whole states, and readers that look at
// every generation while Consul suffers: each must be whole, and none older than one before it.
//
// After a fault, expect_recovery() compares when a bare client gets the newest state through the same
// agent with when readers see it, and prints the difference. Not thread-safe.
#ifndef SHMCONF_TESTS_INTEGRATION_DRILL_H_
#define SHMCONF_TESTS_INTEGRATION_DRILL_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "harness/consul.h"
#include "integration/sidecar.h"
#include "integration/verifying_readers.h"

namespace shmconf::integration {

class Drill {
 public:
  // Of one long poll, and how long readers may stay behind a bare client: where connections end, and
  // where the server goes silent and the query under way has to be waited for.
  static constexpr std::chrono::milliseconds kWait{5'000};
  static constexpr std::chrono::milliseconds kGrace{5'000};
  static constexpr std::chrono::milliseconds kBehind{5'000};
  static constexpr std::chrono::milliseconds kBehindSilence = kBehind + kWait + kWait / 16 + kGrace;

  // The agent that the sidecar asks outlives the drill. datacenter: of the keys; empty: the agent's own.
  explicit Drill(harness::RealConsul& agent, std::string datacenter = {});

  // Writes the first state and starts the sidecar; returns when readers see it. Requires that Consul works.
  void start();
  // From now on counts as the outage.
  void fault() { fault_ = Clock::now(); }
  // Writes the next state through this agent, again and again until it is taken.
  void advance(harness::RealConsul& through);
  // Waits until a bare client gets the state from the drill's agent, then until readers do.
  void expect_recovery(const std::string& what, std::chrono::milliseconds behind = kBehind);
  // Readers still see the state before the last advance(), or the last one.
  void expect_last_good();
  // No reader has seen anything wrong. Ends the readers.
  void finish();

  [[nodiscard]] Reader& reader() { return *reader_; }

 private:
  using Clock = std::chrono::steady_clock;

  // "" or what is wrong with the state; by any thread.
  std::string look(const Snapshot& snapshot);
  [[nodiscard]] std::optional<Clock::time_point> seen(int number) const;
  [[nodiscard]] std::string query(const std::string& parameters) const;
  bool write(harness::RealConsul& through);
  bool bare_client_gets_it();

  harness::RealConsul& agent_;
  const std::string datacenter_;
  Sidecar sidecar_;
  int number_ = 1;
  Clock::time_point fault_;
  mutable std::mutex mutex_;  // guards the next two
  std::map<std::uint64_t, int> generations_;
  std::map<int, Clock::time_point> seen_;
  std::optional<Reader> reader_;
  std::unique_ptr<VerifyingReaders> verifying_;  // ends first: its threads look()
};

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_DRILL_H_
