// within_memory(): a task that runs out of memory ends with an error, not with its process.
#ifndef SHMCONF_SOURCES_WITHIN_MEMORY_H_
#define SHMCONF_SOURCES_WITHIN_MEMORY_H_

#include <boost/asio/awaitable.hpp>
#include <new>
#include <utility>

#include "env/env.h"
#include "shmconf/result.h"

namespace shmconf::sources {

// What the task comes to; kNoSpace where it met std::bad_alloc. What it was working on is then as an
// error leaves it: to be read again.
template <typename T>
boost::asio::awaitable<Result<T>> within_memory(boost::asio::awaitable<Result<T>> task) {
  try {
    co_return co_await std::move(task);
  } catch (const std::bad_alloc&) {
    co_return env::out_of_memory("reading from Consul");
  }
}

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_WITHIN_MEMORY_H_
