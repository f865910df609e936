#include "log/unblocked_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include <spdlog/logger.h>

namespace shmconf::log {
namespace {

class UnblockedSinkTest : public ::testing::Test {
 protected:
  ~UnblockedSinkTest() override {
    for (const int fd : ends_) ::close(fd);
  }
  // A logger whose lines come out of the other end.
  spdlog::logger logger() {
    spdlog::logger logger("test", std::make_shared<UnblockedSink>(ends_[1]));
    logger.set_pattern("%v");
    return logger;
  }
  // What is there to be read now.
  std::string drained() {
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t got = 0; (got = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  std::array<int, 2> ends_{-1, -1};
};

TEST_F(UnblockedSinkTest, DropsWhatNobodyReadsAndSaysSo) {
  ASSERT_EQ(::pipe(ends_.data()), 0);
  auto log = logger();
  const std::string line(1'000, 'x');
  for (int i = 0; i < 200; ++i) log.info(line);  // a pipe holds about 64
  const std::string first = drained();
  const auto written = first.size() / (line.size() + 1);
  EXPECT_LT(written, 100u);
  log.info("again");
  EXPECT_EQ(drained(), "(" + std::to_string(200 - written) + " lines were not logged: nobody read them)\nagain\n");
}

TEST_F(UnblockedSinkTest, WritesToASocketThatHasRoom) {
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
  auto log = logger();
  log.info("one");
  EXPECT_EQ(drained(), "one\n");
  for (int i = 0; i < 1'000; ++i) log.info(std::string(1'000, 'x'));  // more than it holds
  EXPECT_FALSE(drained().empty());
}

TEST_F(UnblockedSinkTest, CutsALineThatAPipeCouldBlockOn) {
  ASSERT_EQ(::pipe(ends_.data()), 0);
  auto log = logger();
  log.info(std::string(100'000, 'x'));
  const std::string text = drained();
  EXPECT_LE(text.size(), static_cast<std::size_t>(PIPE_BUF));
  EXPECT_TRUE(text.ends_with("...\n"));
}

}  // namespace
}  // namespace shmconf::log
