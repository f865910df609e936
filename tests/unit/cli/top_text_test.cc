// The picture that `shmconf top` draws, for terminals of every size.
#include "cli/top_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "unit/cli/packed_snapshot.h"

namespace shmconf::cli {
namespace {

using namespace std::chrono_literals;

// 2026-01-02T03:04:05.678Z.
constexpr WallTime kNow{1'767'323'045'678ms};

std::string text_of(const StyledLine& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  return text;
}

std::string text_of(const std::vector<StyledLine>& lines) {
  std::string text;
  for (const StyledLine& line : lines) text += text_of(line) + "\n";
  return text;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Nothing but printable characters and the newlines between lines.
bool is_tame(const std::string& text) {
  return std::ranges::none_of(text, [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
}

class TopTextTest : public testing::Test {
 protected:
  TopTextTest() {
    status_.verdict = Verdict::kLive;
    status_.contact_age = 1200ms;
    status_.generation = 4711;
    status_.key_count = 4;
    status_.indexes = {17, 18};
    status_.published = kNow - 61s;
    status_.roles[0].alive = true;
    status_.roles[0].starts = 1;
  }

  [[nodiscard]] TopView view() const {
    return {name_, status_, packed_.snapshot(), words_, changes_, kNow};
  }
  std::string picture(std::size_t rows, std::size_t columns) {
    return text_of(top_lines(view(), rows, columns, window_));
  }

  const std::string name_ = "web";
  const SecretWords words_{{"dsn"}};
  const PackedSnapshot packed_{{{.key = "a\x1b[2J", .value = "1\x1b]0;x\x07\xc2\x9b"},
                                {.key = "db/dsn", .value = "postgres://u:hunter2@h/"},
                                {.key = "doc", .value = R"({"host": "h", "password": "hunter2"})"},
                                {.key = "z", .value = "last"}}};
  Status status_;
  std::deque<SeenChange> changes_;
  KeyWindow window_;
};

TEST_F(TopTextTest, ShowsVerdictProcessesAndKeys) {
  const std::string text = picture(40, 100);
  EXPECT_TRUE(text.starts_with("web            live\n")) << text;
  EXPECT_TRUE(has(text, "from consul at index 17, 18\n"));
  EXPECT_TRUE(has(text, "generation     4711, published 1 min 1 s ago\n"));
  EXPECT_TRUE(has(text, "last contact   1.2 s ago\n"));
  EXPECT_TRUE(has(text, "watch          alive, "));
  EXPECT_TRUE(has(text, "heartbeat      never started\n"));
  EXPECT_TRUE(has(text, "Keys  1-4 of 4\n"));
  EXPECT_TRUE(has(text, "\nz         last\n"));
  EXPECT_TRUE(has(text, "Changes  none"));
  EXPECT_TRUE(has(text, "q: quit"));
}

TEST_F(TopTextTest, HidesSecretsAndTamesBytes) {
  status_.problem = "p\x1b[2J";
  status_.roles[0].failing_for = 3s;
  status_.roles[0].last_error = "refused\x1b[2J";
  changes_.push_front({kNow, "doc", shown_value(words_, "doc", R"({"password": "hunter1"})", 100),
                       shown_value(words_, "doc", R"({"password": "hunter2"})", 100)});
  for (const std::string& text : {picture(40, 100), top_text(view())}) {
    EXPECT_FALSE(has(text, "hunter")) << text;
    EXPECT_TRUE(is_tame(text)) << text;
    EXPECT_TRUE(has(text, R"(a\x1b[2J)")) << text;
    EXPECT_TRUE(has(text, R"(1\x1b]0;x\x07\xc2\x9b)")) << text;
    EXPECT_TRUE(has(text, "db/dsn    ***\n")) << text;
    EXPECT_TRUE(has(text, R"({"host": "h", "password": "***"})")) << text;
    EXPECT_TRUE(has(text, R"(refused\x1b[2J)")) << text;
  }
  EXPECT_TRUE(has(picture(40, 100), "failing for 3.0 s: refused"));
}

TEST_F(TopTextTest, TellsWhatChanged) {
  changes_ = {{kNow, "redis/host", "h1", "h2"}, {kNow - 1s, "new", std::nullopt, "n"}, {kNow - 2s, "old", "o", {}}};
  const std::string text = picture(40, 100);
  EXPECT_TRUE(has(text, "03:04:05.678  redis/host  h1 -> h2\n")) << text;
  EXPECT_TRUE(has(text, "03:04:04.678  new  new n\n"));
  EXPECT_TRUE(has(text, "03:04:03.678  old  o removed\n"));
}

TEST_F(TopTextTest, FitsEveryTerminal) {
  changes_.assign(30, {kNow, "redis/host", "h1", "h2"});
  for (std::size_t rows = 1; rows < 60; ++rows) {
    for (const std::size_t columns : {1u, 20u, 80u, 300u}) {
      const auto lines = top_lines(view(), rows, columns, window_);
      ASSERT_LE(lines.size(), rows) << columns;
      EXPECT_TRUE(text_of(lines.front()).starts_with("web")) << rows << " x " << columns;
      EXPECT_LE(window_.rows, rows);
    }
  }
}

TEST_F(TopTextTest, TheWindowEndsWithTheLastKey) {
  window_.first = 1000;
  const std::string text = picture(14, 80);
  EXPECT_TRUE(has(text, "\nz       last\n")) << text;
  EXPECT_LE(window_.first, 3u);
  window_.first = 1000;
  EXPECT_TRUE(has(picture(40, 80), "Keys  1-4 of 4\n")) << "and is full where it can be";
  EXPECT_EQ(window_.first, 0u);
}

TEST_F(TopTextTest, HugeValuesAreCut) {
  const PackedSnapshot large({{.key = "k", .value = std::string(1'000'000, 'x')}});
  const auto lines = top_lines({name_, status_, large.snapshot(), words_, changes_, kNow}, 40, 80, window_);
  for (const StyledLine& line : lines) EXPECT_LT(text_of(line).size(), 1000u);
  const std::string plain = top_text({name_, status_, large.snapshot(), words_, changes_, kNow});
  EXPECT_TRUE(has(plain, "k  " + std::string(1'000'000, 'x') + "\n")) << "whole where it is no picture";
}

}  // namespace
}  // namespace shmconf::cli
