// Writer: changes the configuration in Consul, in a thread of its own, and tells the History.
//
// Each transaction compares and sets a guard key outside all sources to its own number, together with
// its changes, and so is applied to the state that it was made for or never, however late. Where the
// outcome is unknown, a consistent read of the guard tells; a transaction that was not applied by then
// may still be, until the next one is. It writes to the servers themselves, whatever the agent does.
//
// The object belongs to the main thread; the history outlives it.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_WRITER_H_
#define SHMCONF_TESTS_FAULT_CHAOS_WRITER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fault/chaos/history.h"
#include "fault/chaos/random.h"
#include "harness/consul_kv.h"

namespace shmconf::chaos {

struct WriterCounts {
  std::uint64_t acknowledged = 0;  // told so by Consul
  std::uint64_t unknown = 0;       // no answer, or a failure
  std::uint64_t unknown_applied = 0;
  std::uint64_t restores = 0;
};

class Writer {
 public:
  using Servers = std::vector<std::pair<std::string, std::uint16_t>>;
  // The first state that is written, before there is any history.
  static std::pair<Stamp, Values> first_state();
  // Writes it; false when Consul did not take it.
  static bool write_first(const Servers& servers);

  Writer(Servers servers, History& history, std::uint64_t seed);
  ~Writer();

  void archive() { ask(&Writer::archive_now); }
  // Nothing where no archive could be made since the last calm.
  void restore() { ask(&Writer::restore_now); }

  // The writer acknowledges one more transaction and rests. The time of that; nullopt when Consul did
  // not take any within the limit.
  std::optional<Time> calm(std::chrono::milliseconds limit);
  // Goes on after calm().
  void resume();

  [[nodiscard]] WriterCounts counts() const;
  // What Consul itself did wrong, "" if nothing: then no verdict means anything.
  [[nodiscard]] std::string broken() const;

 private:
  enum class Outcome : std::uint8_t { kApplied, kRefused, kUnknown };
  struct Change {
    std::string key;
    std::optional<std::size_t> padding;  // none: deleted
  };
  struct Archive {
    Stamp stamp = 0;
    std::uint64_t guard_index = 0;
    std::string bytes;
  };
  using Task = void (Writer::*)();

  void ask(Task task);
  void run();
  bool rest_if_asked(bool acknowledged);
  void pause(std::chrono::milliseconds length);
  bool transact();
  std::vector<Change> any_changes(const Values& state, Stamp stamp);
  void change_source(const char* prefix, std::size_t first, const char* stamp, std::vector<Change>& changes);
  Outcome send(Stamp stamp, const std::vector<Change>& changes);
  void learn();
  bool read_guard(Stamp& stamp);
  void archive_now();
  void restore_now();
  void next_server();
  void try_another();
  void fail(const std::string& what);

  const Servers servers_;
  History& history_;
  Random random_;
  std::size_t server_ = 0;
  std::unique_ptr<harness::ConsulKv> kv_;
  Stamp next_ = 0;
  std::uint64_t guard_index_ = 0;
  int burst_ = 0;
  std::optional<Archive> archive_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Task> tasks_;
  bool rest_asked_ = false;
  std::optional<Time> resting_since_;
  WriterCounts counts_;
  std::string broken_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_WRITER_H_
