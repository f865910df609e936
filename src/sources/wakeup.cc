#include "sources/wakeup.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace shmconf::sources {

namespace asio = boost::asio;

void Wakeup::notify() {
  notified_ = true;
  timer_.cancel();
}

asio::awaitable<bool> Wakeup::wait_for(std::chrono::nanoseconds time) {
  if (!notified_) {
    timer_.expires_after(time);
    boost::system::error_code ignored;  // notified_ tells a cancelled timer
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return std::exchange(notified_, false);
}

asio::awaitable<void> Wakeup::wait() {
  // Not a loop around co_await alone: GCC 12 takes such a coroutine for one that never ends.
  bool notified = false;
  while (!notified) {
    notified = co_await wait_for(std::chrono::hours(1));
  }
}

}  // namespace shmconf::sources
