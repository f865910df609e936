#include "sources/spawn.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace shmconf::sources {
namespace {

void end_process(const char* reason) {
  spdlog::critical("a task ended with an exception ({}): ending, since nothing here does its work any more", reason);
  // Not thrown on: what else runs here would be destroyed in the middle of it, and may have to be waited for.
  std::terminate();
}

}  // namespace

void spawn(boost::asio::io_context& io, boost::asio::awaitable<void> task) {
  boost::asio::co_spawn(io, std::move(task), [](const std::exception_ptr& escaped) {
    if (!escaped) return;
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& failure) {
      end_process(failure.what());
    } catch (...) {
      end_process("of no known type");
    }
  });
}

}  // namespace shmconf::sources
