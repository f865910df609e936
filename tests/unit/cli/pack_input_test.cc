#include "cli/pack_input.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace shmconf::cli {
namespace {

using namespace std::string_literals;
using Keys = std::vector<PackedKey>;

Keys parsed(std::string_view text) {
  auto keys = parse_pack_input(text);
  if (!keys) {
    ADD_FAILURE() << keys.error().text;
    return {};
  }
  return *keys;
}

std::string problem_of(std::string_view text) {
  const auto keys = parse_pack_input(text);
  if (keys) return "accepted";
  EXPECT_EQ(keys.error().code, ErrorCode::kInvalid);
  return keys.error().text;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(PackInput, ReadsAnObjectOfTexts) {
  EXPECT_EQ(parsed(R"({"b": "2", "a": "\u00e4\u0000x"})"),
            (Keys{{"a", "\u00e4\0x"s, 0}, {"b", "2", 0}}));
}

TEST(PackInput, ReadsWhatConsulExports) {
  const std::string text = R"([
	{
		"key": "redis/port",
		"flags": 18446744073709551615,
		"value": "NjM3OQ=="
	},
	{
		"key": "binary",
		"flags": 0,
		"value": "/wAB"
	},
	{
		"key": "empty",
		"flags": 42,
		"value": ""
	}
])";
  EXPECT_EQ(parsed(text), (Keys{{"binary", "\xff\x00\x01"s, 0},
                                {"empty", "", 42},
                                {"redis/port", "6379", std::numeric_limits<std::uint64_t>::max()}}));
}

TEST(PackInput, ReadsAnAnswerOfConsulsHttpApi) {
  EXPECT_EQ(parsed(R"([{"LockIndex":0,"Key":"a","Flags":7,"Value":null,"CreateIndex":13,"ModifyIndex":13,
                        "Session":"adf4238a-882b-9ddc-4a9d-5b6758e4159e"}])"),
            (Keys{{"a", "", 7}}));
}

TEST(PackInput, ReadsNoKeysAtAll) {
  EXPECT_EQ(parsed("{}"), Keys{});
  EXPECT_EQ(parsed(" [ ] \n"), Keys{});
}

TEST(PackInput, SortsByBytes) {
  const Keys keys = parsed(R"({"b": "", "B": "", "\u00e4": "", "a/": "", "a-": ""})");
  ASSERT_EQ(keys.size(), 5u);
  EXPECT_EQ(keys[0].key, "B");
  EXPECT_EQ(keys[1].key, "a-");
  EXPECT_EQ(keys[2].key, "a/");
  EXPECT_EQ(keys[4].key, "\u00e4");
}

TEST(PackInput, SaysWhereTheTextStopsBeingJson) {
  const std::string problem = problem_of("{\"a\": \"1\",\n  oops}");
  EXPECT_TRUE(has(problem, "line 2, column 3: this is not JSON")) << problem;
  EXPECT_TRUE(has(problem_of(""), "this is not JSON"));
  EXPECT_TRUE(has(problem_of("{\"a\":\n\"x\"}\0, and a rest"s), "line 2, column 5: this is not JSON"));
  EXPECT_TRUE(has(problem_of("{\"a\": \"1\"} x"), "line 1, column 12"));
  EXPECT_TRUE(has(problem_of("{\"a\": \"\xff\"}"), "this is not JSON"));
}

TEST(PackInput, NeverRepeatsAValue) {
  EXPECT_FALSE(has(problem_of(R"({"a": "hunter2)"), "hunter2"));
  EXPECT_FALSE(has(problem_of(R"([{"key": "a", "value": "hunter2"}])"), "hunter2"));
}

TEST(PackInput, RefusesValuesThatAreNoTextAndNamesTheKey) {
  EXPECT_TRUE(has(problem_of(R"({"port": 6379})"), "key 'port': the value is a number"));
  EXPECT_TRUE(has(problem_of(R"({"port": -1})"), "key 'port': the value is a number"));
  EXPECT_TRUE(has(problem_of(R"({"on": true})"), "key 'on': the value is a bool"));
  EXPECT_TRUE(has(problem_of(R"({"off": null})"), "key 'off': the value is null"));
  EXPECT_TRUE(has(problem_of(R"({"doc": {"a": "b"}})"), "key 'doc': the value is an object"));
  EXPECT_TRUE(has(problem_of(R"({"doc": ["a"]})"), "key 'doc': the value is an array"));
}

TEST(PackInput, RefusesOtherShapes) {
  EXPECT_TRUE(has(problem_of("\"text\""), "found a string"));
  EXPECT_TRUE(has(problem_of("17"), "found a number"));
  EXPECT_TRUE(has(problem_of("null"), "found null"));
  EXPECT_TRUE(has(problem_of(R"(["a"])"), "element 1: found a string"));
  EXPECT_TRUE(has(problem_of(R"([[]])"), "element 1: found an array"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": "", "flag": 1}])"), "unknown member 'flag'"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": {}}])"), "'value' is an object"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": []}])"), "'value' is an array"));
  EXPECT_TRUE(has(problem_of(R"([{"key": 1, "value": ""}])"), "'key' is a number"));
}

TEST(PackInput, RefusesElementsThatLackAMember) {
  EXPECT_TRUE(
      has(problem_of(R"([{"key": "a", "value": ""}, {"value": ""}])"), "element 2: there is no 'key'"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "flags": 0}])"), "element 1 (key 'a'): there is no 'value'"));
}

TEST(PackInput, RefusesFlagsThatAreNot64Bits) {
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "flags": -1, "value": ""}])"), "negative"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "flags": 1.5, "value": ""}])"), "not a whole number"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "flags": 18446744073709551616, "value": ""}])"), "64 bits"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "flags": "1", "value": ""}])"), "'flags' is a string"));
}

TEST(PackInput, RefusesWhatIsNotBase64) {
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": "abc"}])"), "not base64"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": "a b="}])"), "not base64"));
}

TEST(PackInput, RefusesWhatIsMasked) {
  const std::string masked = "[" + masked_entry("a", 7, R"({"password": "***"})").value() + "]";
  EXPECT_TRUE(has(problem_of(masked), "element 1 (key 'a'): the value is masked")) << problem_of(masked);
  EXPECT_TRUE(has(problem_of(masked), "--show-secrets"));
  // Also for whoever sorts the members, or takes the mark out.
  EXPECT_NE(problem_of(R"([{"key": "a", "value": "***", "masked": true}])"), "accepted");
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": "***"}])"), "not base64"));
  EXPECT_EQ(parsed(R"([{"key": "a", "masked": false, "value": "MQ=="}])"), (Keys{{"a", "1", 0}}));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "masked": 1, "value": ""}])"), "'masked' is a number"));
  EXPECT_TRUE(has(problem_of(R"([{"key": true, "value": ""}])"), "'key' is a bool"));
}

TEST(PackInput, RefusesAKeyTwiceInsteadOfChoosing) {
  EXPECT_TRUE(has(problem_of(R"({"a": "1", "b": "2", "a": "1"})"), "key 'a' is there twice"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "a", "value": ""}, {"key": "a", "value": ""}])"), "twice"));
}

TEST(PackInput, RefusesTheEmptyKey) {
  EXPECT_TRUE(has(problem_of(R"({"": "1"})"), "the key is empty"));
  EXPECT_TRUE(has(problem_of(R"([{"key": "", "value": ""}])"), "the key is empty"));
}

TEST(PackInput, SurvivesDeepNesting) {
  EXPECT_TRUE(has(problem_of(std::string(100'000, '[')), "expected"));
}

TEST(ExportEntry, IsLaidOutAsConsulDoes) {
  const auto entry = export_entry("redis/\"x\"", 42, "1234");
  ASSERT_TRUE(entry);
  EXPECT_EQ(*entry,
            "\t{\n"
            "\t\t\"key\": \"redis/\\\"x\\\"\",\n"
            "\t\t\"flags\": 42,\n"
            "\t\t\"value\": \"MTIzNA==\"\n"
            "\t}");
}

TEST(ExportEntry, IsReadBackByteForByte) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  const std::string key = "a\n\"\\\0 \u00e4\U0001f600//../"s;
  const std::uint64_t flags = std::numeric_limits<std::uint64_t>::max() - 1;
  const auto entry = export_entry(key, flags, all_bytes);
  ASSERT_TRUE(entry);
  EXPECT_EQ(parsed("[" + *entry + "]"), (Keys{{key, all_bytes, flags}}));
}

TEST(ExportEntry, RefusesAKeyThatJsonCannotCarry) {
  const auto entry = export_entry("a\xff", 0, "");
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace shmconf::cli
