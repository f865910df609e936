#include "log/formatter.h"

#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <memory>
#include <random>
#include <regex>
#include <string>

#include <nlohmann/json.hpp>
#include <spdlog/details/log_msg.h>

#include "log/fields.h"

namespace shmconf::log {
namespace {

using Format = settings::Log::Format;
using nlohmann::json;
using spdlog::level::level_enum;

std::string line(Format format, const std::string& text, level_enum level = spdlog::level::info) {
  const auto formatter = make_formatter(format, "web")->clone();  // as a sink may do
  spdlog::memory_buf_t out;
  // 2009-02-13T23:31:30.5Z
  const spdlog::log_clock::time_point time{std::chrono::milliseconds(1'234'567'890'500)};
  formatter->format({time, {}, "watch", level, text}, out);
  return {out.data(), out.size()};
}

bool is_one_line(const std::string& text) { return text.find('\n') == text.size() - 1; }

std::string all_bytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

TEST(TextLine, HasTimeProcessAndLevel) {
  const std::string text = line(Format::kText, "refused", spdlog::level::warn);
  const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.500[+-]\d\d:?\d\d shmconf watch\[\d+\] warning: refused\n)");
  EXPECT_TRUE(std::regex_match(text, form)) << text;
}

TEST(TextLine, IsOneLineWhateverItHolds) {
  EXPECT_TRUE(is_one_line(line(Format::kText, all_bytes())));
  const std::string made_up = line(Format::kText, "key a\n2009-02-13 shmconf watch[1] error: \x1b[31mlie \xc3\xbc");
  EXPECT_TRUE(made_up.ends_with("key a\\x0a2009-02-13 shmconf watch[1] error: \\x1b[31mlie \xc3\xbc\n")) << made_up;
}

TEST(JournalLine, BeginsWithTheJournalsPriority) {
  EXPECT_EQ(line(Format::kJournald, "m", spdlog::level::critical), "<2>watch: m\n");
  EXPECT_EQ(line(Format::kJournald, "m", spdlog::level::err), "<3>watch: m\n");
  EXPECT_EQ(line(Format::kJournald, "m", spdlog::level::warn), "<4>watch: m\n");
  EXPECT_EQ(line(Format::kJournald, "m", spdlog::level::info), "<6>watch: m\n");
  EXPECT_EQ(line(Format::kJournald, "m", spdlog::level::debug), "<7>watch: m\n");
  EXPECT_EQ(line(Format::kJournald, "m", spdlog::level::trace), "<7>watch: m\n");
  EXPECT_EQ(line(Format::kJournald, "a\n<0>b"), "<6>watch: a\\x0a<0>b\n");
}

TEST(JsonLine, HasEveryFieldInOrder) {
  const std::string text = line(Format::kJson, "say \"hi\"", spdlog::level::warn);
  EXPECT_EQ(text, R"({"time":"2009-02-13T23:31:30.500Z","level":"warning","process":"watch","pid":)" +
                      std::to_string(::getpid()) + R"(,"name":"web","message":"say \"hi\""})" + "\n");
}

TEST(JsonLine, HasTheFieldsOfItsScope) {
  {
    const Fields outer(Fields::Json{{"generation", 1}});
    {
      const Fields inner(Fields::Json{{"generation", 7}, {"keys", {"a/b", "c"}}});
      const json found = json::parse(line(Format::kJson, "m"));
      EXPECT_EQ(found["generation"], 7);
      EXPECT_EQ(found["keys"], json({"a/b", "c"}));
      EXPECT_EQ(line(Format::kJournald, "m"), "<6>watch: m\n") << "the message says it all";
    }
    EXPECT_EQ(json::parse(line(Format::kJson, "m"))["generation"], 1);
  }
  EXPECT_FALSE(json::parse(line(Format::kJson, "m")).contains("generation"));
}

TEST(JsonLine, IsValidForAnyBytes) {
  EXPECT_EQ(json::parse(line(Format::kJson, "\xc3\xbc\n\x01"))["message"], "\xc3\xbc\n\x01");
  EXPECT_EQ(json::parse(line(Format::kJson, "a\xff"))["message"], "a\xef\xbf\xbd");
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int run = 0; run < 2'000; ++run) {
    std::string bytes = all_bytes();
    bytes.resize(random() % bytes.size());
    for (char& byte : bytes) byte = static_cast<char>(random());
    const Fields fields(Fields::Json{{"keys", {bytes}}});
    const std::string text = line(Format::kJson, bytes);
    ASSERT_TRUE(is_one_line(text)) << "seed " << seed;
    ASSERT_FALSE(json::parse(text, nullptr, false).is_discarded()) << "seed " << seed << ": " << text;
  }
}

TEST(JsonLine, IsCutSoThatAPipeTakesItAtOnceAndIsStillValid) {
  for (const std::string part : {"x", "\"", "\x01", "\xc3\xbc", "\xff", "\xf0\x9f\x98\x80"}) {
    for (std::size_t times = PIPE_BUF / 16; times < PIPE_BUF + 64; times += 17) {
      std::string text;
      for (std::size_t i = 0; i < times; ++i) text += part;
      const std::string cut = line(Format::kJson, text);
      ASSERT_LE(cut.size(), static_cast<std::size_t>(PIPE_BUF)) << times << " times " << part;
      const json found = json::parse(cut, nullptr, false);
      ASSERT_FALSE(found.is_discarded()) << cut;
      const auto& message = found["message"].get_ref<const std::string&>();
      ASSERT_TRUE(part == "\xff" || message == text || message.ends_with("...")) << times << " times " << part;
    }
  }
}

}  // namespace
}  // namespace shmconf::log
