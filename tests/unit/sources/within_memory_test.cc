#include "sources/within_memory.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <utility>

namespace shmconf::sources {
namespace {

using Task = boost::asio::awaitable<Result<int>>;

Task gives(int value) { co_return value; }
Task runs_out() {
  if (std::string().empty()) throw std::bad_alloc();
  co_return 0;
}

Result<int> outcome_of(Task task) {
  boost::asio::io_context io;
  std::optional<Result<int>> outcome;
  boost::asio::co_spawn(
      io,
      [](Task inner, std::optional<Result<int>>& into) -> boost::asio::awaitable<void> {
        into = co_await within_memory(std::move(inner));
      }(std::move(task), outcome),
      boost::asio::detached);
  io.run();
  return std::move(*outcome);
}

TEST(WithinMemory, ATaskThatRunsOutOfMemoryIsAnErrorThatSaysWhatToDo) {
  const auto outcome = outcome_of(runs_out());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kNoSpace);
  EXPECT_NE(outcome.error().text.find("free memory"), std::string::npos) << outcome.error().text;
}

TEST(WithinMemory, AnyOtherIsAsItWas) { EXPECT_EQ(outcome_of(gives(7)).value(), 7); }

}  // namespace
}  // namespace shmconf::sources
