#include "sources/activity.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "sources/spawn.h"

namespace shmconf::sources {

namespace asio = boost::asio;

void Activity::stop(std::function<void()> ended) {
  ended_ = std::move(ended);
  if (!std::exchange(stopping_, true)) interrupt();
  if (running_ == 0) tell_end();
}

void Activity::spawn(asio::awaitable<void> task) {
  ++running_;
  sources::spawn(io_, count(std::move(task)));
}

asio::awaitable<void> Activity::count(asio::awaitable<void> task) {
  co_await std::move(task);
  if (--running_ == 0 && stopping_) tell_end();
}

void Activity::tell_end() {
  // Posted: the one who is told may destroy this object, and with it the coroutine that ends here.
  if (ended_) asio::post(io_, std::exchange(ended_, nullptr));
}

}  // namespace shmconf::sources
