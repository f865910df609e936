#include "log/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include <spdlog/spdlog.h>

#include "log/journal_stream.h"

namespace shmconf::log {
namespace {

using Level = settings::Log::Level;
using Format = settings::Log::Format;

std::string identity(int fd) {
  struct stat file {};
  EXPECT_EQ(::fstat(fd, &file), 0);
  return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

// The process's stderr is a pipe meanwhile.
class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), 0);
    ::dup2(ends_[1], STDERR_FILENO);
    ::unsetenv("JOURNAL_STREAM");
  }
  ~LogTest() override {
    spdlog::set_default_logger(before_);
    spdlog::set_level(spdlog::level::info);
    ::dup2(stderr_, STDERR_FILENO);
    for (const int fd : {stderr_, ends_[0], ends_[1]}) ::close(fd);
  }
  std::string written() {
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t got = 0; (got = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  const int stderr_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  std::array<int, 2> ends_{-1, -1};
};

TEST_F(LogTest, AutoIsTextWhereStderrIsNotTheJournal) {
  ::setenv("JOURNAL_STREAM", "8:4711", 1);  // inherited, and stderr led elsewhere
  start("watch", "web", {.level = Level::kInfo, .format = Format::kAuto});
  spdlog::info("hello");
  EXPECT_TRUE(has(written(), " info: hello\n"));
  EXPECT_TRUE(is_text());
}

TEST_F(LogTest, AutoIsJournaldWhereStderrIsTheJournal) {
  ::setenv("JOURNAL_STREAM", identity(STDERR_FILENO).c_str(), 1);
  start("watch", "web", {.level = Level::kInfo, .format = Format::kAuto});
  spdlog::warn("hello");
  EXPECT_EQ(written(), "<4>watch: hello\n");
  EXPECT_FALSE(is_text());
}

TEST_F(LogTest, AutoLooksAgainWhenStderrHasChanged) {
  ::setenv("JOURNAL_STREAM", identity(STDERR_FILENO).c_str(), 1);
  std::array<int, 2> others{-1, -1};
  ASSERT_EQ(::pipe2(others.data(), O_CLOEXEC), 0);
  ::dup2(others[1], STDERR_FILENO);
  start("launch", "web", {.level = Level::kInfo, .format = Format::kAuto});
  ::dup2(ends_[1], STDERR_FILENO);
  stderr_changed();
  spdlog::info("hello");
  EXPECT_EQ(written(), "<6>launch: hello\n");
  for (const int fd : others) ::close(fd);
}

TEST_F(LogTest, AChangeOfTheLevelIsSaidWhateverTheLevel) {
  settings::Log how{.level = Level::kError, .format = Format::kJournald};
  start("run", "web", how);
  spdlog::warn("held back");
  how.level = Level::kDebug;
  change(how);
  spdlog::debug("passes");
  EXPECT_EQ(written(), "<6>run: the log's level is now debug\n<7>run: passes\n");
  how.level = Level::kError;
  change(how);
  spdlog::warn("held back");
  EXPECT_EQ(written(), "<6>run: the log's level is now error\n");
  change(how);
  EXPECT_EQ(written(), "") << "nothing has changed";
}

TEST_F(LogTest, TheFormatChangesWithTheSettings) {
  start("run", "web", {.level = Level::kInfo, .format = Format::kJournald});
  change({.level = Level::kInfo, .format = Format::kJson});
  spdlog::info("hello");
  EXPECT_TRUE(has(written(), R"("name":"web","message":"hello"})"));
}

TEST(LogLevels, StepsEndAtTraceAndAtErrors) {
  EXPECT_EQ(more_verbose(Level::kInfo), Level::kDebug);
  EXPECT_EQ(more_verbose(Level::kDebug), Level::kTrace);
  EXPECT_EQ(more_verbose(Level::kTrace), Level::kTrace);
  EXPECT_EQ(more_verbose(Level::kOff), Level::kError);
  EXPECT_EQ(less_verbose(Level::kInfo), Level::kWarn);
  EXPECT_EQ(less_verbose(Level::kWarn), Level::kError);
  EXPECT_EQ(less_verbose(Level::kError), Level::kError);
  EXPECT_EQ(less_verbose(Level::kOff), Level::kOff);
}

TEST(JournalStream, IsThatVeryFile) {
  std::array<int, 2> ends{-1, -1};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  EXPECT_TRUE(is_journal_stream(identity(ends[0]), ends[0]));
  EXPECT_FALSE(is_journal_stream(identity(ends[0]) + "0", ends[0]));
  for (const char* other : {"", ":", "8", "8:", "a:b"}) EXPECT_FALSE(is_journal_stream(other, ends[0])) << other;
  for (const int fd : ends) ::close(fd);
  EXPECT_FALSE(is_journal_stream("0:0", -1));
}

}  // namespace
}  // namespace shmconf::log
