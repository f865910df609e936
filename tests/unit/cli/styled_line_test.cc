// Text in columns, and its looks.
#include "cli/styled_line.h"

#include <gtest/gtest.h>

#include <string>

namespace shmconf::cli {
namespace {

TEST(StyledLine, KnowsTheWidthOfCharacters) {
  EXPECT_EQ(width_of(""), 0u);
  EXPECT_EQ(width_of("redis"), 5u);
  EXPECT_EQ(width_of("größe"), 5u);
  EXPECT_EQ(width_of("設定"), 4u) << "two columns each";
  EXPECT_EQ(width_of("e\u0301"), 1u) << "a combining accent takes none";
}

TEST(StyledLine, CutsAtCharacters) {
  EXPECT_EQ(cut("redis", 5), "redis");
  EXPECT_EQ(cut("redis", 4), "red…");
  EXPECT_EQ(cut("redis", 1), "…");
  EXPECT_EQ(cut("redis", 0), "");
  EXPECT_EQ(cut("", 0), "");
  EXPECT_EQ(cut("設定値", 5), "設定…");
  EXPECT_EQ(cut("設定値", 4), "設…") << "half a character is none";
}

TEST(StyledLine, FillsColumns) {
  EXPECT_EQ(fitted("ab", 4), "ab  ");
  EXPECT_EQ(fitted("設定値", 4), "設… ");
  for (std::size_t columns = 0; columns < 9; ++columns) EXPECT_EQ(width_of(fitted("a設b定c", columns)), columns);
}

TEST(StyledLine, PaintsWithinTheColumns) {
  const StyledLine line = {{Style::kGood, "live"}, {Style::kPlain, " and well"}};
  EXPECT_EQ(painted(line, 80, true), "\x1b[1;32mlive\x1b[0m and well");
  EXPECT_EQ(painted(line, 80, false), "\x1b[1mlive\x1b[0m and well") << "no colour, but still apart";
  EXPECT_EQ(painted(line, 8, false), "\x1b[1mlive\x1b[0m an…");
}

}  // namespace
}  // namespace shmconf::cli
