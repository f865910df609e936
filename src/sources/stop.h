// Stop: tells coroutines that they are to end, and ends the pause that one of them makes.
//
// Belongs to the thread that runs the io_context. One coroutine at a time pauses. Must outlive them.
#ifndef SHMCONF_SOURCES_STOP_H_
#define SHMCONF_SOURCES_STOP_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>

#include "shmconf/result.h"
#include "sources/wakeup.h"

namespace shmconf::sources {

class Stop {
 public:
  explicit Stop(boost::asio::io_context& io) : pause_(io) {}

  void request();
  [[nodiscard]] bool requested() const noexcept { return requested_; }
  // Returns when the time is over, or soon after request().
  boost::asio::awaitable<void> pause(std::chrono::nanoseconds time);
  // What those fail with who end early.
  [[nodiscard]] static Error error();

 private:
  Wakeup pause_;
  bool requested_ = false;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_STOP_H_
