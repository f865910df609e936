// VerifyingReaders: threads that look at every generation of a configuration they can catch, and
// check that it is one of the states that the test calls legal.
//
// The object belongs to the test's thread. The check is called by all threads at once, on snapshots
// whose checksums have been verified; it returns what is wrong, or "".
#ifndef SHMCONF_TESTS_INTEGRATION_VERIFYING_READERS_H_
#define SHMCONF_TESTS_INTEGRATION_VERIFYING_READERS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "shmconf/reader.h"

namespace shmconf::integration {

class VerifyingReaders {
 public:
  using Check = std::function<std::string(const Snapshot&)>;

  // Copies of the reader, one for each thread.
  VerifyingReaders(const Reader& reader, int threads, Check check);
  ~VerifyingReaders() { stop(); }

  // Blocks until the threads have ended; called twice, it does nothing.
  void stop();
  // Generations seen, by the thread that saw fewest.
  [[nodiscard]] std::uint64_t fewest_generations() const;
  // The first violation, with its generation; "" when there was none.
  [[nodiscard]] std::string violation() const;

 private:
  void follow(Reader reader, std::atomic<std::uint64_t>& generations);

  Check check_;
  std::atomic<bool> stop_{false};
  std::vector<std::atomic<std::uint64_t>> generations_;
  mutable std::mutex mutex_;
  std::string violation_;
  std::vector<std::thread> threads_;
};

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_VERIFYING_READERS_H_
