#include "sources/documents.h"

#include <gtest/gtest.h>

#include <array>

#include "unit/sources/made_snapshot.h"

namespace shmconf::sources {
namespace {

using format::Kind;

class Documents : public ::testing::Test {
 protected:
  void add(std::string_view key, std::string_view value) { content_.keys.push_back(item(key, 3, 4, value)); }
  std::string expand() {
    warnings_ = expand_documents(content_, storage_);
    static constexpr const char* kKinds[] = {"bytes", "document", "string", "integer", "double", "bool", "null"};
    std::string all;
    for (const auto& leaf : content_.pointers) {
      all += std::string(leaf.key) + "=" + std::string(leaf.value) + ":" + kKinds[static_cast<int>(leaf.kind)] + " ";
    }
    return all;
  }

  shm::Content content_;
  TextArena storage_;
  std::vector<std::string> warnings_;
};

TEST_F(Documents, OpensUpEveryTypeOfLeaf) {
  add("demo-config", R"({"redis_config":{"redis_port":6379,"host":"r\u00e9dis\n","ratio":1.50,"on":true,"off":false,
                         "none":null,"low":-5}})");
  EXPECT_EQ(expand(),
            "demo-config#/redis_config/host=r\xc3\xa9" "dis\n:string demo-config#/redis_config/low=-5:integer "
            "demo-config#/redis_config/none=null:null demo-config#/redis_config/off=false:bool "
            "demo-config#/redis_config/on=true:bool demo-config#/redis_config/ratio=1.50:double "
            "demo-config#/redis_config/redis_port=6379:integer ");
  EXPECT_EQ(content_.keys[0].kind, Kind::kDocument);
  EXPECT_EQ(content_.pointers[0].create_index, 3u);
  EXPECT_EQ(content_.pointers[0].modify_index, 4u);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Documents, MayBeginWithWhiteSpaceAndNothingElse) {
  for (const char* value : {"{}", "[]", " {}", "\t[]", "\n{}", "\r[]"}) EXPECT_TRUE(may_be_document(value)) << value;
  for (const char* value : {"", "x{", "6379", "\"{", "\v{"}) EXPECT_FALSE(may_be_document(value)) << value;
}

TEST_F(Documents, AreLookedForAmongTheCandidatesAlone) {
  add("a", "[1]");
  add("b", "[2]");
  add("c", "[3]");
  constexpr std::array<std::size_t, 2> kCandidates = {0, 2};
  expand_documents(content_, kCandidates, storage_);
  ASSERT_EQ(content_.pointers.size(), 2u);
  EXPECT_EQ(content_.pointers[0].key, "a#/0");
  EXPECT_EQ(content_.pointers[1].key, "c#/0");
  EXPECT_EQ(content_.keys[1].kind, Kind::kBytes);
}

TEST_F(Documents, ArraysGoByIndexAndNest) {
  add("k", R"([10,[20,{"a":30}],{"b":[]},40])");
  EXPECT_EQ(expand(), "k#/0=10:integer k#/1/0=20:integer k#/1/1/a=30:integer k#/3=40:integer ");
}

TEST_F(Documents, EscapesPointersAndAllowsEmptyNames) {
  add("k", R"({"a/b":1,"m~n":2,"":3,"~1":4})");
  EXPECT_EQ(expand(), "k#/=3:integer k#/a~1b=1:integer k#/m~0n=2:integer k#/~01=4:integer ");
}

TEST_F(Documents, IntegersBeyond64BitsAreDoublesAsWritten) {
  add("k", "[18446744073709551615,18446744073709551616,-9223372036854775808,-9223372036854775809,1e3]");
  EXPECT_EQ(expand(),
            "k#/0=18446744073709551615:integer k#/1=18446744073709551616:double k#/2=-9223372036854775808:integer "
            "k#/3=-9223372036854775809:double k#/4=1e3:double ");
}

TEST_F(Documents, TheLastOfEqualMembersWinsWithAllThatIsBelowIt) {
  add("k", R"({"a":{"x":1,"y":2},"b":0,"a":{"y":3},"b":{"z":1},"c":1,"c":{"d":4,"d":5}})");
  EXPECT_EQ(expand(), "k#/a/y=3:integer k#/b/z=1:integer k#/c/d=5:integer ");
}

TEST_F(Documents, ARealKeyWinsOverALeaf) {
  add("k", R"({"a":1,"b":2})");
  add("k#/a", "real");
  EXPECT_EQ(expand(), "k#/b=2:integer ");
}

TEST_F(Documents, OfTwoDocumentsThatSpellALeafAlikeTheNearerKeyWins) {
  add("a", R"({"b#":{"c":1}})");
  add("a#/b", R"({"c":2})");
  EXPECT_EQ(expand(), "a#/b#/c=2:integer ");
}

TEST_F(Documents, ScalarsAndBrokenTextStayBytesSilently) {
  for (const char* value : {"6379", "\"text\"", "true", "null", "", "{", "[1,]", "{\"a\":1} x", "{'a':1}", "\xff{}",
                            "[\"\xff\"]", "{\"a\":01}", "\xef\xbb\xbf{\"a\":1}", "[1] [2]", "// c\n[1]", "plain"}) {
    content_ = {};
    add("k", value);
    EXPECT_EQ(expand(), "") << value;
    EXPECT_EQ(content_.keys[0].kind, Kind::kBytes) << value;
    EXPECT_TRUE(warnings_.empty()) << value;
  }
}

TEST_F(Documents, LeadingAndTrailingWhiteSpaceIsPartOfJson) {
  add("k", " \t\r\n{\"a\": 1}\n");
  EXPECT_EQ(expand(), "k#/a=1:integer ");
}

TEST_F(Documents, EmptyContainersAreDocumentsWithoutLeaves) {
  add("a", "{}");
  add("b", "[[],{}]");
  EXPECT_EQ(expand(), "");
  EXPECT_EQ(content_.keys[0].kind, Kind::kDocument);
  EXPECT_EQ(content_.keys[1].kind, Kind::kDocument);
}

TEST_F(Documents, SixtyFourLevelsAreOpenedUpAndOneMoreIsNot) {
  const std::string deepest = std::string(64, '[') + "1" + std::string(64, ']');
  const std::string deeper = "[" + deepest + "]";
  add("a", deepest);
  add("b", deeper);
  static_cast<void>(expand());
  EXPECT_EQ(content_.pointers.size(), 1u);
  EXPECT_EQ(content_.keys[0].kind, Kind::kDocument);
  EXPECT_EQ(content_.keys[1].kind, Kind::kBytes);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("'b'"), std::string::npos);
}

TEST_F(Documents, WhatExpandsTooFarStaysBytesAndLeavesNothingBehind) {
  // Each number costs its value two bytes, and a leaf the whole long name.
  std::string wide = "{\"" + std::string(400, 'n') + "\":[0";
  for (int i = 0; i < 600; ++i) wide += ",0";
  wide += "]}";
  add("a", "{\"x\":1}");
  add("b", wide);
  add("c", "{\"y\":2}");
  EXPECT_EQ(expand(), "a#/x=1:integer c#/y=2:integer ");
  EXPECT_EQ(content_.keys[1].kind, Kind::kBytes);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("'b'"), std::string::npos);
  EXPECT_EQ(warnings_[0].find("nnnn"), std::string::npos) << "a warning tells nothing of the value";
}

TEST_F(Documents, ASmallDocumentUnderALongKeyIsAlwaysOpenedUp) {
  const std::string long_key(1000, 'k');
  add(long_key, "[1,2]");
  EXPECT_EQ(expand(), long_key + "#/0=1:integer " + long_key + "#/1=2:integer ");
}

TEST_F(Documents, ANumberBeyondADoubleKeepsTheValuePlain) {
  add("k", "[1e999]");
  EXPECT_EQ(expand(), "");
  EXPECT_EQ(warnings_.size(), 1u);
}

}  // namespace
}  // namespace shmconf::sources
