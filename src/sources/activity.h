// Activity: what a process of the sidecar does under one version of its settings, as coroutines.
//
// Belongs to the thread that runs the io_context. Destroy it only after stop() has told its end, or
// when the io_context runs no more.
#ifndef SHMCONF_SOURCES_ACTIVITY_H_
#define SHMCONF_SOURCES_ACTIVITY_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>

#include "backup/store.h"
#include "settings/settings.h"
#include "sources/liveness.h"
#include "sources/publish_target.h"

namespace shmconf::sources {

// What an activity works with; all outlive it.
struct Surroundings {
  boost::asio::io_context& io;
  env::Env& env;
  PublishTarget& target;
  Liveness& liveness;
  backup::Store* backup = nullptr;  // null: there is no place for one
};

class Activity {
 public:
  explicit Activity(boost::asio::io_context& io) : io_(io) {}
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;
  virtual ~Activity() = default;

  virtual void start() = 0;
  // The segment was attached anew: everything has to be published again.
  virtual void renewed() = 0;
  // Ends all coroutines soon; ended is called from the io_context when they have.
  void stop(std::function<void()> ended);

 protected:
  // Called once, by stop(): closes connections and ends waits.
  virtual void interrupt() = 0;
  // An exception that leaves the task ends the process (spawn.h).
  void spawn(boost::asio::awaitable<void> task);
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  [[nodiscard]] boost::asio::io_context& io() const noexcept { return io_; }

 private:
  boost::asio::awaitable<void> count(boost::asio::awaitable<void> task);
  void tell_end();

  boost::asio::io_context& io_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::function<void()> ended_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_ACTIVITY_H_
