// Durations, names, prefixes, addresses and suggestions: the rules for single texts.

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "settings/address.h"
#include "settings/duration.h"
#include "settings/name.h"
#include "settings/suggestion.h"

namespace shmconf::settings {
namespace {

using std::chrono::milliseconds;

std::string complaint_of(const std::optional<Complaint>& complaint) {
  return complaint ? complaint->text + "; " + complaint->hint : "";
}

TEST(Duration, ReadsEachUnitAndTheirSums) {
  const std::array<std::pair<const char*, std::int64_t>, 8> cases = {{{"500ms", 500},
                                                                      {"30s", 30'000},
                                                                      {"15m", 900'000},
                                                                      {"1h", 3'600'000},
                                                                      {"1m30s", 90'000},
                                                                      {"2h3m4s5ms", 7'384'005},
                                                                      {"0s", 0},
                                                                      {"007s", 7'000}}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.error().text;
    EXPECT_EQ(parsed->count(), expected) << text;
  }
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text
       : {"", "30", "s", "-1s", "+1s", "1.5s", "1e3s", " 30s", "30s ", "30 s", "30S", "5min", "1d",
                           "30s1m", "1s1s", "1ms1s", "1m30", "abc", "1us", "9223372036854775808ms",
                           "9223372036854775807s", "99999999999999999999h",
                           "18446744073709551617ms"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid) << text;
  }
}

TEST(Duration, HintsSayWhatToWrite) {
  const auto hint = [](const char* text) { return std::get<Complaint>(examine_duration(text)).hint; };
  EXPECT_EQ(hint("30"), "add a unit, for example 30s");
  EXPECT_EQ(hint("30 s"), "leave out the space: 30s");
  EXPECT_EQ(hint("5min"), "the units are ms, s, m and h, for example 5m");
  EXPECT_EQ(hint("7days"), "the units are ms, s, m and h, for example 7s");
  EXPECT_EQ(hint("1s1m"), "write each unit once, from large to small, such as 1m30s");
  EXPECT_NE(hint("soon").find("1m30s"), std::string::npos);
}

TEST(Duration, FormatsWhatItReadsBack) {
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(format_duration(milliseconds(900'000)), "15m");
  EXPECT_EQ(format_duration(milliseconds(90'000)), "1m30s");
  EXPECT_EQ(format_duration(milliseconds(3'600'001)), "1h1ms");
  for (const std::int64_t count : {std::int64_t{1}, std::int64_t{59'999}, std::int64_t{86'400'000},
                                   std::int64_t{1'234'567'891}, std::numeric_limits<std::int64_t>::max()}) {
    const auto back = parse_duration(format_duration(milliseconds(count)));
    ASSERT_TRUE(back.ok()) << count;
    EXPECT_EQ(back->count(), count);
  }
}

TEST(Name, AllowsItsAlphabetAndLength) {
  for (const char* name : {"a", "Z", "0", "web", "web-1.2_x"}) EXPECT_TRUE(check_name(name).ok()) << name;
  EXPECT_TRUE(check_name(std::string(64, 'a')).ok());
  for (const char* name : {"", ".", "..", "-web", "_x", "a/b", "a b", "w\xc3\xa9", "a\n"}) {
    EXPECT_FALSE(check_name(name).ok()) << name;
  }
  EXPECT_FALSE(check_name(std::string(65, 'a')).ok());
  EXPECT_FALSE(check_name(std::string_view("a\0b", 3)).ok());
}

TEST(Name, SuggestsANameThatIsAllowed) {
  EXPECT_NE(complaint_of(examine_name("my web/app")).find("'my-web-app'"), std::string::npos);
  EXPECT_NE(complaint_of(examine_name("///")).find("'web'"), std::string::npos);
}

TEST(Prefix, EndsWithASlashOrTheHintSaysSo) {
  EXPECT_FALSE(examine_prefix("config/web/"));
  EXPECT_FALSE(examine_prefix("a b/\xc3\xa9/"));
  EXPECT_NE(complaint_of(examine_prefix("config/web")).find("write 'config/web/'"), std::string::npos);
}

TEST(Prefix, RefusesWhatConsulCannotServe) {
  for (const char* prefix : {"", "/", "/config/", "a//b/", "a/../b/", "./a/", "a/./", "a\nb/"}) {
    EXPECT_TRUE(examine_prefix(prefix)) << prefix;
  }
  EXPECT_NE(complaint_of(examine_prefix("/config/")).find("write 'config/'"), std::string::npos);
}

TEST(Key, TakesAnyPathThatConsulServes) {
  EXPECT_FALSE(examine_key("demo-config"));
  EXPECT_FALSE(examine_key("folder/"));
  for (const char* key : {"", "/a", "a//b", "..", "a/.", "a\x7f"}) EXPECT_TRUE(examine_key(key)) << key;
}

TEST(Secret, IsNeverRepeated) {
  const auto complaint = examine_secret("hunter2\n");
  ASSERT_TRUE(complaint);
  EXPECT_EQ(complaint_of(complaint).find("hunter2"), std::string::npos);
  EXPECT_FALSE(examine_secret("b1gs33cr3t-\xc3\xa9"));
}

TEST(Address, TakesTheFormsOfConsulsTools) {
  const std::array<std::array<const char*, 3>, 9> cases = {{
      {"127.0.0.1:8500", "http://127.0.0.1:8500", "https://127.0.0.1:8500"},
      {"consul.example:8500", "http://consul.example:8500", "https://consul.example:8500"},
      {"http://h:8500", "http://h:8500", "https://h:8500"},
      {"http://h:8500/", "http://h:8500", "https://h:8500"},
      {"https://h:8501", "https://h:8501", "https://h:8501"},
      {"http://h", "http://h:80", "https://h:443"},
      {"https://h", "https://h:443", "https://h:443"},
      {"[::1]:8500", "http://[::1]:8500", "https://[::1]:8500"},
      {"unix:///run/consul.sock", "unix:///run/consul.sock", "unix:///run/consul.sock"},
  }};
  for (const auto& [address, plain, secure] : cases) {
    EXPECT_EQ(complaint_of(examine_address(address)), "") << address;
    EXPECT_EQ(normal_address(address, false), plain);
    EXPECT_EQ(normal_address(address, true), secure);
  }
}

TEST(Address, RefusesWhatCannotBeReached) {
  for (const char* address
       : {"", "localhost", ":8500", "h:0", "h:65536", "h:port", "h:", "http://", "http://h:x",
                              "ftp://h:1", "http://h:8500/v1/kv", "unix://run/consul.sock", "unix://",
                                  "[::1:8500",
                              "a b:8500", "::1", "h:8500\n"}) {
    EXPECT_TRUE(examine_address(address)) << address;
  }
  EXPECT_TRUE(examine_address("unix:///" + std::string(107, 'x')));
  EXPECT_FALSE(examine_address("unix:///" + std::string(106, 'x')));
  EXPECT_NE(complaint_of(examine_address("localhost")).find("'localhost:8500'"), std::string::npos);
}

TEST(Address, DoesNotRepeatAPassword) {
  const auto complaint = examine_address("http://admin:hunter2@h:8500");
  ASSERT_TRUE(complaint);
  EXPECT_EQ(complaint_of(complaint).find("hunter2"), std::string::npos);
  EXPECT_NE(complaint_of(complaint).find("http_auth"), std::string::npos);
}

TEST(Suggestion, IsTheNearestOrNothing) {
  constexpr std::array<std::string_view, 4> kWords = {"wait", "grace", "token", "token_file"};
  EXPECT_EQ(nearest("wiat", kWords), "wait");
  EXPECT_EQ(nearest("tokn", kWords), "token");
  EXPECT_EQ(nearest("token-file", kWords), "token_file");
  EXPECT_EQ(nearest("TOKEN", kWords), "token");
  EXPECT_EQ(nearest("completely", kWords), "");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Quotes, KeepAMessageOnOneLine) {
  EXPECT_EQ(in_quotes("a\nb\x7f"), "'a\\x0ab\\x7f'");
  EXPECT_EQ(in_quotes(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace shmconf::settings
