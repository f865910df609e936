// Observer: one reader process (reader.cc), and what it saw.
//
// Belongs to the main thread; history and counts outlive it.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_OBSERVER_H_
#define SHMCONF_TESTS_FAULT_CHAOS_OBSERVER_H_

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fault/chaos/history.h"
#include "harness/process.h"
#include "harness/temp_directory.h"

namespace shmconf::chaos {

struct ObserverOptions {
  std::string mode;  // of the reader
  std::string directory;
  std::string backup;
  std::function<void(const std::string&)> violation;
  std::function<bool()> may_be_absent;  // whether a reader need not find any configuration just now
};

class Observer {
 public:
  Observer(ObserverOptions options, const History& history);

  // Ends the program when the reader cannot be executed.
  void start();
  // SIGKILL.
  void kill();
  void freeze();
  void thaw();
  [[nodiscard]] bool running() { return process_ && process_->running(); }

  // Takes what the reader has written since, and checks each snapshot by itself.
  void drain();
  [[nodiscard]] const std::vector<Observation>& seen() const { return seen_; }
  // Starts over with the last observation, at a calm point.
  void forget();

  [[nodiscard]] const std::string& name() const { return options_.mode; }
  [[nodiscard]] std::uint64_t snapshots() const { return snapshots_; }
  [[nodiscard]] std::uint64_t reads() const { return reads_before_ + reads_; }

 private:
  void take(std::string_view line);
  void take_snapshot(std::string_view line);

  const ObserverOptions options_;
  const History& history_;
  harness::TempDirectory directory_;
  std::string output_;
  std::optional<harness::Process> process_;
  std::uint64_t lives_ = 0;
  std::uint64_t offset_ = 0;  // into the output; what is behind it has been taken
  std::vector<Observation> seen_;
  bool gap_ = true;
  std::uint64_t snapshots_ = 0;
  std::uint64_t reads_ = 0;         // of this life
  std::uint64_t reads_before_ = 0;  // of earlier ones
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_OBSERVER_H_
