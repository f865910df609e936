#include "cli/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "env/fd.h"

namespace shmconf::cli {
namespace {

using namespace std::string_literals;

TEST(Escaped, LeavesPrintableTextAsItIs) {
  EXPECT_EQ(escaped("redis/port#/a b=c"), "redis/port#/a b=c");
  EXPECT_EQ(escaped("\u00e4\u20ac\U0001f600"), "\u00e4\u20ac\U0001f600");
}

TEST(Escaped, NamesTheLineBreaksAndNumbersTheRest) {
  EXPECT_EQ(escaped("a\nb\rc\td"), "a\\nb\\rc\\td");
  EXPECT_EQ(escaped("\0\x1b[31m\x7f"s), "\\x00\\x1b[31m\\x7f");
}

TEST(Escaped, DoublesTheBackslashSoThatTheTextCanBeReadBack) {
  EXPECT_EQ(escaped("a\\nb"), "a\\\\nb");
}

TEST(Escaped, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(escaped("\xff\xc3"), "\\xff\\xc3");          // no lead byte; cut short
  EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");          // overlong
  EXPECT_EQ(escaped("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");  // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond the last character
  EXPECT_EQ(escaped("\xc2\x9b"), "\\xc2\\x9b");          // C1: the one-character form of ESC [
}

TEST(Escaped, EscapesTheByteThatTheCallerNames) {
  EXPECT_EQ(escaped("a=b", '='), "a\\x3db");
}

TEST(Output, WritesEveryByteInOrderAcrossItsBuffer) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const env::Fd reading(ends[0]);
  env::Fd writing(ends[1]);
  ASSERT_GE(::fcntl(writing.get(), F_SETPIPE_SZ, 1 << 18), 1 << 18);
  std::string expected;
  Output out(writing.get());
  for (int i = 0; i < 30'000; ++i) {
    out << std::to_string(i) << "\n";
    expected += std::to_string(i) + "\n";
  }
  ASSERT_TRUE(out.finish());
  writing.reset();
  std::string seen;
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = ::read(reading.get(), piece.data(), piece.size())) > 0;) {
    seen.append(piece.data(), static_cast<std::size_t>(count));
  }
  EXPECT_EQ(seen, expected);
}

TEST(Output, TellsThatTheDiskIsFull) {
  const env::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  Output out(full.get());
  out << "something";
  const Result<void> written = out.finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNoSpace);
}

}  // namespace
}  // namespace shmconf::cli
