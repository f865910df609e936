// World: everything that chaos breaks and mends again: three Consul servers and a client agent, the
// sidecar with its supervisor on a tmpfs and a backup disk of its own, and the readers.
//
// Belongs to the main thread.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_WORLD_H_
#define SHMCONF_TESTS_FAULT_CHAOS_WORLD_H_

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "fault/chaos/clock.h"
#include "fault/chaos/disk.h"
#include "fault/chaos/grip.h"
#include "fault/chaos/history.h"
#include "fault/chaos/observer.h"
#include "fault/chaos/schedule.h"
#include "fault/chaos/stutter.h"
#include "fault/chaos/writer.h"
#include "harness/cluster.h"
#include "harness/process.h"
#include "harness/temp_directory.h"
#include "shmconf/reader.h"

namespace shmconf::chaos {

class World {
 public:
  using Tell = std::function<void(const std::string&)>;

  // Consul with its first state, and the disks. violation outlives the world.
  static Result<std::unique_ptr<World>> make(std::string sidecar, Tell violation);

  // Sidecar and readers. False: there was no configuration in time.
  bool start_sidecar_and_readers(History& history, Writer& writer);

  void begin(const Fault& fault);
  void end(const Fault& fault);
  // Takes what the readers saw, and looks whether anything ended that nobody killed.
  void look();
  // Whatever still does not run, runs again.
  void heal();

  [[nodiscard]] Writer::Servers servers();
  [[nodiscard]] std::array<std::unique_ptr<Observer>, kReaders>& observers() { return observers_; }
  [[nodiscard]] OpenOptions open_options() const;
  // The state in the backup; nullopt where there is none. Tells the violation of a bad one.
  std::optional<Stamp> backup();
  // At a calm point: from now on there must always be a configuration again.
  void forget_removals() { removed_ = false; }
  // The last of what the sidecar has logged.
  [[nodiscard]] std::string log() const;

 private:
  World(std::string sidecar, Tell violation) : program_(std::move(sidecar)), violation_(std::move(violation)) {}
  void start_supervisor();
  void stop_supervisor();
  // It ended, and nobody told it to.
  void supervisor_ended();
  void keep_log();
  void remove_segment();
  [[nodiscard]] pid_t child(const char* role);

  const std::string program_;
  const Tell violation_;
  std::unique_ptr<harness::Cluster> cluster_;
  Disk segment_disk_;
  Disk backup_disk_;
  harness::TempDirectory directory_;
  Clock clock_{directory_ / "clock"};
  std::optional<harness::Process> supervisor_;
  bool supervisor_wanted_ = false;
  std::string earlier_log_;
  Grip frozen_watch_;
  Grip frozen_heartbeat_;
  std::optional<Stutter> stutter_watch_;
  std::optional<Stutter> stutter_heartbeat_;
  std::array<std::unique_ptr<Observer>, kReaders> observers_;
  std::array<bool, kReaders> reader_wanted_{};
  History* history_ = nullptr;
  Writer* writer_ = nullptr;
  bool removed_ = false;  // the segment, since the last calm point
  int removals_ = 0;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_WORLD_H_
