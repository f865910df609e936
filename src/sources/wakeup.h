// Wakeup: lets one coroutine sleep until another notifies it, or until a time has passed.
//
// Belongs to the thread that runs the io_context. One sleeper at a time. A notification that comes
// while nobody sleeps is kept for the next sleeper; several count as one. Must outlive its sleeper.
#ifndef SHMCONF_SOURCES_WAKEUP_H_
#define SHMCONF_SOURCES_WAKEUP_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace shmconf::sources {

class Wakeup {
 public:
  explicit Wakeup(boost::asio::io_context& io) : timer_(io) {}

  void notify();
  // True: notified. False: the time is over.
  boost::asio::awaitable<bool> wait_for(std::chrono::nanoseconds time);
  boost::asio::awaitable<void> wait();

 private:
  boost::asio::steady_timer timer_;
  bool notified_ = false;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_WAKEUP_H_
