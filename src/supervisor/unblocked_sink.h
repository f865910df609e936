// UnblockedSink: log lines for stderr that never wait for whoever reads it. A line that does not fit
// now is dropped and counted, and the next one that fits says how many were. Thread-safe.
#ifndef SHMCONF_SUPERVISOR_UNBLOCKED_SINK_H_
#define SHMCONF_SUPERVISOR_UNBLOCKED_SINK_H_

#include <mutex>
#include <string_view>

#include <spdlog/sinks/base_sink.h>

namespace shmconf::supervisor {

class UnblockedSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // fd stays open as long as this object.
  explicit UnblockedSink(int fd) : fd_(fd) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  // False: it does not fit now.
  bool write(std::string_view line) const;

  int fd_;
  unsigned long dropped_ = 0;
};

}  // namespace shmconf::supervisor

#endif  // SHMCONF_SUPERVISOR_UNBLOCKED_SINK_H_
