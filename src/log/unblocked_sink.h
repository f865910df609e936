// UnblockedSink: log lines for stderr that never wait for whoever reads it. A line that does not fit
// now is dropped and counted, and the next one that fits says how many were. Thread-safe.
#ifndef SHMCONF_LOG_UNBLOCKED_SINK_H_
#define SHMCONF_LOG_UNBLOCKED_SINK_H_

#include <mutex>

#include <spdlog/sinks/base_sink.h>

namespace shmconf::log {

class UnblockedSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // fd stays open as long as this object.
  explicit UnblockedSink(int fd) : fd_(fd) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  // False: it does not fit now.
  bool write(const spdlog::details::log_msg& message);

  int fd_;
  unsigned long dropped_ = 0;
};

}  // namespace shmconf::log

#endif  // SHMCONF_LOG_UNBLOCKED_SINK_H_
