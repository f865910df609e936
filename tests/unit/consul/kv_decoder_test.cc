// KvDecoder: every documented shape to the byte, and nothing else; however it is cut.
#include "consul/kv_decoder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "consul/base64.h"
#include "harness/footprint.h"

namespace shmconf::consul {
namespace {

using namespace std::string_literals;

Result<KvList> decode(std::string_view text, std::size_t batch_bytes, std::size_t piece_bytes) {
  KvDecoder decoder(0, batch_bytes);
  for (; !text.empty(); text.remove_prefix(std::min(piece_bytes, text.size()))) {
    EXPECT_TRUE(decoder.append(text.substr(0, piece_bytes)).ok());
  }
  return decoder.finish();
}

void expect_equal(const Result<KvList>& a, const Result<KvList>& b, std::string_view text) {
  ASSERT_EQ(a.ok(), b.ok()) << text << "\n" << (a ? b.error().text : a.error().text);
  if (!a) return;
  ASSERT_EQ(a->pairs().size(), b->pairs().size()) << text;
  for (std::size_t i = 0; i < a->pairs().size(); ++i) {
    const KvPair& x = a->pairs()[i];
    const KvPair& y = b->pairs()[i];
    const bool same = x.key == y.key && x.value == y.value && x.flags == y.flags && x.session == y.session &&
                      x.create_index == y.create_index && x.modify_index == y.modify_index &&
                      x.lock_index == y.lock_index;
    ASSERT_TRUE(same) << text;
  }
}

// At once; and to be the same, entry by entry as it comes, and by batches of what comes at once.
Result<KvList> decode(std::string_view text) {
  auto whole = decode(text, SIZE_MAX, SIZE_MAX);
  expect_equal(whole, decode(text, 1, 1), text);
  expect_equal(whole, decode(text, 100, 13), text);
  expect_equal(whole, decode(text, 100, SIZE_MAX), text);
  return whole;
}

std::string failure(std::string_view text) {
  auto list = decode(text);
  if (list) return "decoded: "s + std::string(text);
  EXPECT_EQ(list.error().code, ErrorCode::kUnavailable);
  return list.error().text;
}

std::string entry(std::string_view key, std::string_view value, std::uint64_t index = 7) {
  return R"({"LockIndex":0,"Key":")" + std::string(key) + R"(","Flags":0,"Value":")" + encode_base64(value) +
         R"(","CreateIndex":5,"ModifyIndex":)" + std::to_string(index) + "}";
}

constexpr std::string_view kCompact =
    R"([{"LockIndex":3,"Key":"config/web/a","Flags":18446744073709551615,"Value":"aGVsbG8=",)"
    R"("Session":"adf4238a-882b-9ddc-4a9d-5b6758e4159e","CreateIndex":100,"ModifyIndex":200},)"
    R"({"LockIndex":0,"Key":"config/web/b","Flags":9007199254740993,"Value":null,)"
    R"("CreateIndex":1,"ModifyIndex":2}])";

TEST(KvDecoder, ReadsEveryField) {
  auto list = decode(kCompact);
  ASSERT_TRUE(list.ok()) << list.error().text;
  ASSERT_EQ(list->pairs().size(), 2u);
  const KvPair& a = list->pairs()[0];
  EXPECT_EQ(a.key, "config/web/a");
  EXPECT_EQ(a.value, "hello");
  EXPECT_EQ(a.flags, UINT64_MAX);
  EXPECT_EQ(a.create_index, 100u);
  EXPECT_EQ(a.modify_index, 200u);
  EXPECT_EQ(a.lock_index, 3u);
  EXPECT_EQ(a.session, "adf4238a-882b-9ddc-4a9d-5b6758e4159e");
  const KvPair& b = list->pairs()[1];
  EXPECT_EQ(b.value, "");
  EXPECT_EQ(b.flags, 9007199254740993u) << "a double would round this";
  EXPECT_EQ(b.session, "");
}

TEST(KvDecoder, ReadsPrettyJson) {
  const std::string pretty = nlohmann::json::parse(kCompact).dump(4) + "\n";
  auto list = decode(pretty);
  ASSERT_TRUE(list.ok()) << list.error().text;
  ASSERT_EQ(list->pairs().size(), 2u);
  EXPECT_EQ(list->pairs()[0].value, "hello");
  EXPECT_EQ(list->pairs()[1].modify_index, 2u);
}

TEST(KvDecoder, ReadsAnEmptyList) {
  auto list = decode(" [ ] ");
  ASSERT_TRUE(list.ok()) << list.error().text;
  EXPECT_TRUE(list->pairs().empty());
}

TEST(KvDecoder, NeedsNoMemoryForPairsThatDoNotCome) {
  constexpr std::size_t kBeyondAnyMemory = std::size_t{1} << 44;
  KvDecoder decoder(kBeyondAnyMemory);
  ASSERT_TRUE(decoder.append(kCompact));
  auto list = decoder.finish();
  ASSERT_TRUE(list.ok()) << list.error().text;
  EXPECT_EQ(list->pairs().size(), 2u);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadow memory is beyond any limit
TEST(KvDecoder, SaysWhereMemoryIsLacking) {
  KvDecoder decoder;
  // Not to be had in batches; the index of its structure takes several times as much, more than other tests
  // have left in the heap.
  const std::string answer = "[\n" + entry("k", std::string(std::size_t{16} << 20, 'v')) + "]";
  ASSERT_TRUE(decoder.append(answer));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  rlimit limited = before;
  limited.rlim_cur = harness::footprint_of(::getpid()).virtual_kib * 1024 + answer.size() * 3 / 2;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limited), 0);
  const auto list = decoder.finish();
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code, ErrorCode::kNoSpace) << list.error().text;
}
#endif

TEST(KvDecoder, KeepsBinaryValuesOfEveryLength) {
  std::string all;
  for (int i = 0; i < 300; ++i) {
    auto list = decode("[" + entry("k", all) + "]");
    ASSERT_TRUE(list.ok()) << i << ": " << list.error().text;
    ASSERT_EQ(list->pairs()[0].value, all);
    all += static_cast<char>(i * 7);
  }
}

TEST(KvDecoder, UnescapesKeys) {
  const std::array<std::pair<std::string, std::string>, 8> cases = {{
      {R"(a\u003cb\u003E\u0026)", "a<b>&"},
      {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
      {R"(x\u0000y)", "x\0y"s},
      {R"(\u00e9\u20ac)", "\xc3\xa9\xe2\x82\xac"},
      {R"(\ud83d\ude00!)", "\xf0\x9f\x98\x80!"},
      {R"(bad\ufffdbyte)", "bad\xef\xbf\xbd"s + "byte"},
      {"\xc3\xa9 raw", "\xc3\xa9 raw"},
      {R"(0123456789abcdef\u007e0123456789abcdef)", "0123456789abcdef~0123456789abcdef"},
  }};
  for (const auto& [json, key] : cases) {
    auto list = decode("[" + entry(json, "v") + "]");
    ASSERT_TRUE(list.ok()) << json << ": " << list.error().text;
    EXPECT_EQ(list->pairs()[0].key, key) << json;
    EXPECT_EQ(list->pairs()[0].value, "v") << json;
  }
}

TEST(KvDecoder, ReadsEscapedBase64) {
  auto list = decode(R"([{"Key":"k","Value":"\/\/\u002b\/","ModifyIndex":1}])");
  ASSERT_TRUE(list.ok()) << list.error().text;
  EXPECT_EQ(list->pairs()[0].value, "\xff\xff\xbf");
}

TEST(KvDecoder, SkipsUnknownFields) {
  auto list = decode(
      R"([{"New":{"a":[1,-2.5e+10,"x\"}]",{"b":null}],"c":{}},"Key":"k","Other":[],"Value":null,)"
      R"("T":true,"F":false,"N":0,"ModifyIndex":1}])");
  ASSERT_TRUE(list.ok()) << list.error().text;
  EXPECT_EQ(list->pairs()[0].key, "k");
  EXPECT_EQ(list->pairs()[0].modify_index, 1u);
}

TEST(KvDecoder, SortsBytewise) {
  auto list = decode("[" + entry("b", "1") + "," + entry("\xc3\xa9", "2") + "," + entry("a/", "3") + "," +
                     entry("a", "4") + "]");
  ASSERT_TRUE(list.ok()) << list.error().text;
  std::string keys;
  for (const auto& pair : list->pairs()) keys += std::string(pair.key) + "|";
  EXPECT_EQ(keys, "a|a/|b|\xc3\xa9|");
}

TEST(KvDecoder, RefusesAKeyGivenTwice) {
  const std::string text = "[" + entry("a", "1") + "," + entry("b", "2") + "," + entry("a", "3") + "]";
  EXPECT_NE(failure(text).find("one key twice"), std::string::npos);
}

TEST(KvDecoder, KeepsItsViewsWhenMoved) {
  auto list = decode(kCompact);
  ASSERT_TRUE(list.ok());
  KvList moved = std::move(*list);
  KvList again;
  again = std::move(moved);
  EXPECT_EQ(again.pairs()[0].key, "config/web/a");
  EXPECT_EQ(again.pairs()[0].value, "hello");
}

TEST(KvDecoder, NamesWhatIsWrongAndWhere) {
  const std::array<std::pair<const char*, const char*>, 26> cases = {{
      {"", "empty"},
      {"null", "expected a list at byte 0 of 4"},
      {"{}", "expected a list"},
      {"<html>", "expected a list"},
      {"[1]", "expected an object at byte 1 of 3"},
      {"[{}]", "without Key"},
      {R"([{"Value":null,"ModifyIndex":1}])", "without Key"},
      {R"([{"Key":"k","ModifyIndex":1}])", "without Value"},
      {R"([{"Key":"k","Value":null}])", "without ModifyIndex"},
      {R"([{"Key":null,"Value":null,"ModifyIndex":1}])", "expected a string at byte 8"},
      {R"([{"Key":"k","Value":7,"ModifyIndex":1}])", "expected a string at byte 20"},
      {R"([{"Key":"k","Value":"a","ModifyIndex":1}])", "not base64 at byte 21"},
      {R"([{"Key":"k","Value":"YQ=","ModifyIndex":1}])", "not base64"},
      {R"([{"Key":"k","Value":"YR==","ModifyIndex":1}])", "not base64"},
      {R"([{"Key":"k","Value":"Y Q=","ModifyIndex":1}])", "not base64"},
      {R"([{"Key":"k","Value":"YQ==YQ==","ModifyIndex":1}])", "not base64"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":18446744073709551616}])", "whole number of 64 bits"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":-1}])", "whole number"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":1.0}])", "whole number"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":01}])", "whole number"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":"1"}])", "whole number"},
      {R"([{"Key":"k","Key":"l","Value":null,"ModifyIndex":1}])", "given twice"},
      {R"([{"Key":"\ud83d","Value":null,"ModifyIndex":1}])", "escape"},
      {R"([{"Key":"\x","Value":null,"ModifyIndex":1}])", "escape"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":1}] [])", "more behind the list"},
      {R"([{"Key":"k","Value":null,"ModifyIndex":1},])", "expected an object"},
  }};
  for (const auto& [json, what] : cases) {
    EXPECT_NE(failure(json).find(what), std::string::npos) << json << "\n" << failure(json);
  }
  for (const std::string& text : {"[{\"Key\":\"a\nb\",\"Value\":null,\"ModifyIndex\":1}]"s,
                                  "[{\"Key\":\"a\0b\",\"Value\":null,\"ModifyIndex\":1}]"s, "[]\0"s}) {
    EXPECT_NE(failure(text).find("at byte"), std::string::npos) << text;
  }
  const std::string deep = "[{\"X\":" + std::string(500, '[') + std::string(500, ']') + "}]";
  EXPECT_NE(failure(deep).find("too deeply"), std::string::npos) << failure(deep);
  for (const char* number : {"01", "-", "-01", "1.", ".5", "1e", "012", "+1"}) {
    EXPECT_NE(failure(R"([{"Key":"k","Value":null,"ModifyIndex":1,"X":)"s + number + "}]").find("at byte"),
              std::string::npos)
        << number;
  }
}

TEST(KvDecoder, NoBeginningOfAnAnswerIsAnAnswer) {
  for (const std::string& whole :
       {std::string(kCompact), nlohmann::json::parse(kCompact).dump(2),
        "[" + entry(R"(\ud83d\ude00)", "v") + "]"}) {
    ASSERT_TRUE(decode(whole).ok());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode(std::string_view(whole).substr(0, size)).ok()) << size;
    }
  }
}

TEST(KvDecoder, ReadsManyPairs) {
  // More than the sample that the reservation is made from, and the later entries are shorter.
  std::string text = "[";
  for (int i = 0; i < 5000; ++i) {
    if (i > 0) text += ',';
    const std::string key = "k" + std::to_string(100'000 + i);
    text += i < 100 ? entry(key, std::string(200, 'x')) : entry(key, "");
  }
  auto list = decode(text + "]");
  ASSERT_TRUE(list.ok()) << list.error().text;
  ASSERT_EQ(list->pairs().size(), 5000u);
  EXPECT_EQ(list->pairs()[4999].key, "k104999");
  EXPECT_EQ(list->pairs()[99].value, std::string(200, 'x'));
}

// A library's reading of the same text, as far as the decoder accepted it.
void expect_same(const std::string& text, const KvList& list, bool& compared) {
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(text);
  } catch (const nlohmann::json::out_of_range&) {
    return;  // a number in an unknown field that the library cannot hold
  }
  ASSERT_EQ(json.size(), list.pairs().size());
  for (const auto& object : json) {
    const auto key = object.at("Key").get<std::string>();
    const auto pair =
        std::find_if(list.pairs().begin(), list.pairs().end(), [&](const auto& p) { return p.key == key; });
    ASSERT_NE(pair, list.pairs().end()) << key;
    ASSERT_EQ(pair->modify_index, object.at("ModifyIndex").get<std::uint64_t>());
    ASSERT_EQ(object.at("Value").is_null() ? "" : object.at("Value").get<std::string>(),
              encode_base64(pair->value));
    ASSERT_EQ(object.value("Flags", std::uint64_t{0}), pair->flags);
    ASSERT_EQ(object.value("Session", ""s), pair->session);
  }
  compared = true;
}

TEST(KvDecoder, AgreesWithALibraryOnMutatedAnswers) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const std::array<std::string, 3> starts = {
      std::string(kCompact), nlohmann::json::parse(kCompact).dump(2),
      R"([{"New":{"a":[1,-2.5e+1,"x\"}]",{"b":null}]},"Key":"\u0041\/","Value":"\/w==","ModifyIndex":10}])"};
  constexpr std::string_view kBytes = "\"\\{}[]:,0123456789-+.eEtruefalsn /=AZaz\n\t\x01u";
  const auto below = [&random](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string text = starts[below(starts.size())];
    for (std::size_t edits = 1 + below(3); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = below(text.size());
      const char byte = kBytes[below(kBytes.size())];
      switch (random() % 4) {
        case 0: text[at] = byte; break;
        case 1: text.insert(at, 1, byte); break;
        case 2: text.erase(at, 1 + below(8)); break;
        default: text.insert(at, text.substr(below(text.size()), below(24))); break;
      }
    }
    auto list = decode(text);
    bool compared = false;
    if (list) {
      ASSERT_NO_FATAL_FAILURE(expect_same(text, *list, compared)) << text;
    }
    accepted += compared ? 1 : 0;
  }
  EXPECT_GT(accepted, 1000) << "too few mutants were answers for the comparison to mean much";
}

// Entries whose ends look like those of the list, and keys that look like such an end.
TEST(KvDecoder, IsNotMisledByWhatLooksLikeTheNextEntry) {
  const std::string nested = R"([{"Key":"a","Value":null,"ModifyIndex":1,"New":[{"Key":1},{"Key":2},{"Key":3}]},)"
                             R"({"Key":"b","Value":null,"ModifyIndex":2,"New":[{"Key":1},{"Key":2}]}])";
  auto list = decode(nested);
  ASSERT_TRUE(list.ok()) << list.error().text;
  EXPECT_EQ(list->pairs().size(), 2u);
  for (std::size_t batch_bytes = 1; batch_bytes < nested.size(); ++batch_bytes) {
    expect_equal(list, decode(nested, batch_bytes, 1), nested);
  }
  list = decode(R"([{"Key":"a},{","Value":null,"ModifyIndex":1},{"Key":"b},{\"Key\":","Value":null,"ModifyIndex":2}])");
  ASSERT_TRUE(list.ok()) << list.error().text;
  EXPECT_EQ(list->pairs()[0].key, "a},{");
  EXPECT_EQ(list->pairs()[1].key, R"(b},{"Key":)");
  for (const char* const broken : {R"([{"Key":"a},{"Key":"b","Value":null,"ModifyIndex":2}])",
                                   R"([{"Key":"a","Value":null,"ModifyIndex":1},{"Key":"b"]},{"Key":"c"}])",
                                   R"([{"Key":"a","Value":null,"ModifyIndex":1},{"Key":)",
                                   R"([{"Key":"a","Value":null,"ModifyIndex":1}],{"Key":"b","Value":null}])"}) {
    EXPECT_NE(failure(broken).find("at byte"), std::string::npos);
  }
}

// A mistake anywhere is told with its place in the answer, of which most is decoded by then.
TEST(KvDecoder, TellsThePlaceOfAMistakeFarBehind) {
  std::string json = "[" + entry("a", "1");
  for (int i = 0; i < 20'000; ++i) json += "," + entry("b/" + std::to_string(100'000 + i), "some value");
  const std::string bad = R"("Value":"@")";
  json += R"(,{"LockIndex":0,"Key":"c","Flags":0,)" + bad + R"(,"CreateIndex":1,"ModifyIndex":2}])";
  auto list = decode(json, KvDecoder::kBatchBytes, 10'000);
  ASSERT_FALSE(list.ok());
  const std::string place =
      " at byte " + std::to_string(json.find(bad) + bad.find('@')) + " of " + std::to_string(json.size());
  EXPECT_NE(list.error().text.find(place), std::string::npos) << list.error().text << ", not" << place;
}

TEST(KvDecoder, DecodesALargeAnswerWhole) {
  std::string json;
  std::vector<std::pair<std::string, std::string>> expected;
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = "config/" + std::to_string(1'000'000 + i);
    expected.emplace_back(key, std::string(i < 30'000 ? 3 : 200, static_cast<char>('a' + i % 26)));
    json += (i == 0 ? "[" : ",") + std::string("{\"LockIndex\":0,\"K\\u0065y\":\"") + key + R"(","Flags":0,"Value":")" +
            encode_base64(expected.back().second) + R"(","CreateIndex":1,"ModifyIndex":2})";
  }
  json += "]";
  for (const std::size_t piece_bytes : {std::size_t{65'536}, std::size_t{100'000}, json.size()}) {
    const auto list = decode(json, KvDecoder::kBatchBytes, piece_bytes);
    ASSERT_TRUE(list.ok()) << list.error().text;
    ASSERT_EQ(list->pairs().size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(list->pairs()[i].key, expected[i].first);
      ASSERT_EQ(list->pairs()[i].value, expected[i].second);
    }
  }
}

TEST(Base64, KnowsTheAlphabet) {
  EXPECT_EQ(encode_base64("user:pass"), "dXNlcjpwYXNz");
  EXPECT_EQ(encode_base64("a"), "YQ==");
  EXPECT_EQ(encode_base64("\xfb\xff"), "+/8=");
}

// Long texts are decoded in another way than short ones; and the result goes to where the text stands, or
// somewhat before it.
TEST(Base64, RoundTripsAtEveryLength) {
  std::string bytes;
  for (int length = 0; length <= 300; ++length) {
    const std::string text = encode_base64(bytes);
    for (const std::size_t before : {0, 1, 3, 31, 500}) {
      std::string buffer = std::string(before, '-') + text + "behind";
      const auto size = decode_base64(std::string_view(buffer).substr(before, text.size()), buffer.data());
      ASSERT_EQ(size, bytes.size()) << length;
      ASSERT_EQ(buffer.substr(0, *size), bytes) << length << " from " << before;
      ASSERT_EQ(buffer.substr(before + text.size()), "behind") << length;
    }
    bytes += static_cast<char>(length * 37 + length / 7);
  }
}

TEST(Base64, RefusesWhatIsNotInTheAlphabetAtEveryPlace) {
  const std::string good = encode_base64(std::string(120, 'x') + "\xff\xfe\xfd");
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = good;
      text[at] = static_cast<char>(byte);
      const bool is_character = std::isalnum(byte) != 0 || byte == '+' || byte == '/';
      const bool is_padding = byte == '=' && at + 1 == good.size();
      // Before the padding, the last character's bits that make no whole byte must be zero.
      const bool accepted = decode_base64(text, text.data()).has_value();
      if (is_padding) continue;
      ASSERT_EQ(accepted, is_character) << byte << " at " << at;
    }
  }
  for (const std::string_view refused : {"A", "AA", "AAA", "AAAAA", "====", "A===", "AA=A", "AB==", "AAB="}) {
    std::string text(refused);
    EXPECT_FALSE(decode_base64(text, text.data()).has_value()) << refused;
  }
}

}  // namespace
}  // namespace shmconf::consul
