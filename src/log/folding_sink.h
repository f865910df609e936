// FoldingSink: passes lines on, but a warning or error that repeats only once a minute, with a count.
//
// Several that take turns are folded too. Lines below a warning all pass: each tells of something new.
// Thread-safe.
#ifndef SHMCONF_LOG_FOLDING_SINK_H_
#define SHMCONF_LOG_FOLDING_SINK_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <spdlog/sinks/base_sink.h>

namespace shmconf::log {

class FoldingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  using Time = spdlog::log_clock::time_point;

  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::size_t kMostLines = 32;  // told apart at a time

  // lines takes what passes.
  explicit FoldingSink(spdlog::sink_ptr lines);
  // As flush().
  ~FoldingSink() override;

  // Tells each line once more that was repeated and came first a minute ago or earlier.
  void tell_repetitions(Time now);

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  // Things have changed: tells all that was repeated, and takes the next of each as new.
  void flush_() override;
  void set_pattern_(const std::string& pattern) override;
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override;

 private:
  struct Said {
    std::string logger;
    spdlog::level::level_enum level;
    std::string text;
    Time since;
    std::uint64_t repeated = 0;
  };

  void tell(const Said& said, Time now);
  void tell_overdue(Time now);

  const spdlog::sink_ptr lines_;
  std::vector<Said> said_;  // the oldest first
};

}  // namespace shmconf::log

#endif  // SHMCONF_LOG_FOLDING_SINK_H_
