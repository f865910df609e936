#include "display/text.h"

#include <gtest/gtest.h>

#include <string>

namespace shmconf::display {
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

}  // namespace
}  // namespace shmconf::display
