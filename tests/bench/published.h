// Published: a data set in a segment that a real publisher made on a tmpfs, and a reader of it. The
// segment goes with the object. Not thread-safe; after a fork, one of the two processes publishes.
#ifndef SHMCONF_TESTS_BENCH_PUBLISHED_H_
#define SHMCONF_TESTS_BENCH_PUBLISHED_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/dataset.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"
#include "shm/segment.h"
#include "shmconf/reader.h"

namespace shmconf::bench {

class Published {
 public:
  // dataset must outlive this. Ends the program where it cannot be published.
  explicit Published(const Dataset& dataset);
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // A new generation, in which the last key's value differs from the one before.
  void publish_change();
  // Makes the file of the next generation ahead, as the watch process does when it has time.
  void prepare_next() { publisher_.prepare_next(); }

  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  [[nodiscard]] const Reader& reader() const { return reader_; }
  [[nodiscard]] std::size_t snapshot_bytes() { return publisher_.current()->bytes().size(); }
  // In this segment, for a reader of another process or thread.
  [[nodiscard]] Reader open() const;

 private:
  const Dataset& dataset_;
  std::string changing_value_;
  std::uint64_t generations_ = 0;
  harness::TempDirectory root_{"/dev/shm"};
  shm::Segment segment_;
  shm::Publisher publisher_;
  Reader reader_;
};

// A process that publishes a change at every interval, until the object goes.
class ChangingProcess {
 public:
  ChangingProcess(Published& published, std::chrono::microseconds interval);
  ChangingProcess(const ChangingProcess&) = delete;
  ChangingProcess& operator=(const ChangingProcess&) = delete;
  ~ChangingProcess();

 private:
  pid_t pid_;
};

}  // namespace shmconf::bench

#endif  // SHMCONF_TESTS_BENCH_PUBLISHED_H_
