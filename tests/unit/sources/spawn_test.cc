#include "sources/spawn.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace shmconf::sources {
namespace {

using Task = boost::asio::awaitable<void>;

Task ends(bool& ended) {
  ended = true;
  co_return;
}
Task throws_once_it_runs(bool out_of_memory) {
  if (out_of_memory) throw std::bad_alloc();
  throw std::runtime_error("what it is");
  co_return;
}

void run(Task task) {
  boost::asio::io_context io;
  spawn(io, std::move(task));
  io.run();
}

TEST(Spawn, ATaskThatEndsLeavesTheProcessAlone) {
  bool ended = false;
  run(ends(ended));
  EXPECT_TRUE(ended);
}

// A process that lives on without the task would say that all is well.
TEST(SpawnDeathTest, AnExceptionThatLeavesATaskEndsTheProcess) {
  EXPECT_DEATH(run(throws_once_it_runs(false)), "");
  EXPECT_DEATH(run(throws_once_it_runs(true)), "");
}

}  // namespace
}  // namespace shmconf::sources
