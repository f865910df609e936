// spawn(): starts a coroutine whose end nobody waits for.
#ifndef SHMCONF_SOURCES_SPAWN_H_
#define SHMCONF_SOURCES_SPAWN_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace shmconf::sources {

// It begins when io runs. An exception that leaves the task is logged and ends the process: without
// that task it would go on stamping that it lives and not do its work. The supervisor, or whoever else
// started it, starts the next one.
void spawn(boost::asio::io_context& io, boost::asio::awaitable<void> task);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_SPAWN_H_
