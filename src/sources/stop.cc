#include "sources/stop.h"

namespace shmconf::sources {

void Stop::request() {
  requested_ = true;
  pause_.notify();
}

boost::asio::awaitable<void> Stop::pause(std::chrono::nanoseconds time) {
  static_cast<void>(co_await pause_.wait_for(time));
}

Error Stop::error() { return {ErrorCode::kUnavailable, "the process is being stopped"}; }

}  // namespace shmconf::sources
