// What is in Consul is what a reader sees, byte for byte and field for field, through `shmconf run`
// and the real Consul.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/consul_rows.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr char kPrefix[] = "config/web/";

class ValuesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto consul = harness::RealConsul::start();
    ASSERT_TRUE(consul) << consul.error().text;
    consul_ = std::move(*consul);
    kv_ = std::make_unique<harness::ConsulKv>(consul_->host(), consul_->port());
    ASSERT_TRUE(kv_->put(kPrefix + "first"s, "1"));
    // Neighbours that Consul could mistake for keys below the prefix.
    ASSERT_TRUE(kv_->put("config/webs/other", "not ours"));
    ASSERT_TRUE(kv_->put("config/we", "not ours"));
  }
  void start(bool allow_empty = false) {
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    sidecar_->start("run", allow_empty ? Words{"--allow-empty"} : Words{});
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
  }
  bool put(const std::string& key, std::string_view value, const std::string& query = {}) {
    return kv_->put(kPrefix + key, value, query);
  }
  bool remove(const std::string& key, const std::string& query = {}) {
    return kv_->remove(kPrefix + key, query);
  }
  bool transact(const std::string& verb, const std::string& json_key, std::string_view value = {}) {
    return kv_->txn(R"([{"KV":{"Verb":")" + verb + R"(","Key":")" + kPrefix + json_key + R"(","Value":")" +
                    harness::base64(value) + "\"}}]")
               .status == 200;
  }

  // Waits until the reader's view is Consul's, and tells what differs when it does not come to that.
  // Of `keys` keys, so that a test says itself what it has made.
  void expect_same(std::size_t keys) {
    const Rows consul = rows_below(*kv_, kPrefix);
    EXPECT_EQ(consul.size(), keys);
    Rows shown;
    EXPECT_TRUE(harness::eventually(
        [&] {
          reader_->poll();
          shown = rows_of(reader_->snapshot());
          return shown == consul;
        },
        10s, 20ms))
        << differences(consul, shown);
    EXPECT_TRUE(reader_->snapshot().verify());
  }

  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<harness::ConsulKv> kv_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Reader> reader_;
};

TEST_F(ValuesTest, PutChangeAndDelete) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_same(1);
  ASSERT_TRUE(put("redis/port", "6379"));
  expect_same(2);
  ASSERT_TRUE(put("redis/port", "6380"));
  expect_same(2);
  EXPECT_EQ(reader_->get<int>("redis/port", 0), 6380);
  ASSERT_TRUE(remove("redis/port"));
  expect_same(1);
  EXPECT_FALSE(reader_->contains("redis/port"));
  ASSERT_TRUE(put("redis/port", "6381"));  // made again: another CreateIndex
  expect_same(2);
}

TEST_F(ValuesTest, DeleteOfAFolderTakesAllBelowItAndNothingElse) {
  for (const char* key : {"redis/a", "redis/b/c", "redis", "redistribute", "zone"}) {
    ASSERT_TRUE(put(key, key));
  }
  ASSERT_NO_FATAL_FAILURE(start());
  expect_same(6);
  ASSERT_TRUE(remove("redis/", "recurse"));
  expect_same(4);
  EXPECT_TRUE(reader_->contains("redis"));
  EXPECT_FALSE(reader_->contains("redis/a"));
}

TEST_F(ValuesTest, DeleteOfEverythingIsRefusedUnlessEmptyIsAllowed) {
  ASSERT_TRUE(put("second", "2"));
  ASSERT_NO_FATAL_FAILURE(start());
  expect_same(2);
  const std::uint64_t before = reader_->generation();
  const std::uint64_t answers = reader_->status().role(format::Role::kWatch).queries;
  ASSERT_TRUE(remove("", "recurse"));
  // The watch has seen it by the time it complains.
  ASSERT_TRUE(harness::eventually([&] {
    const RoleStatus watch = reader_->status().role(format::Role::kWatch);
    return watch.queries > answers && watch.last_error.find("empty") != std::string::npos;
  })) << reader_->status().role(format::Role::kWatch).last_error;
  EXPECT_EQ(reader_->generation(), before);
  EXPECT_EQ(reader_->get("second"), "2");

  // What is there again is published, with what is gone gone.
  ASSERT_TRUE(put("third", "3"));
  expect_same(1);
}

TEST_F(ValuesTest, DeleteOfEverythingIsBelievedWhereEmptyIsAllowed) {
  ASSERT_TRUE(put("second", "2"));
  ASSERT_NO_FATAL_FAILURE(start(true));
  expect_same(2);
  ASSERT_TRUE(remove("", "recurse"));
  expect_same(0);
  EXPECT_FALSE(reader_->contains("first"));
  ASSERT_TRUE(put("third", "3"));
  expect_same(1);
}

TEST_F(ValuesTest, FlagsOfAllSixtyFourBits) {
  for (const char* flags : {"0", "1", "4294967296", "9007199254740993", "18446744073709551615"}) {
    ASSERT_TRUE(put("flags-"s + flags, "x", "flags="s + flags));
  }
  ASSERT_NO_FATAL_FAILURE(start());
  expect_same(6);
  EXPECT_EQ(reader_->entry("flags-18446744073709551615")->flags(), ~std::uint64_t{0});
  EXPECT_EQ(reader_->entry("flags-9007199254740993")->flags(), 9007199254740993U);
  // A change of nothing but the flags is a change.
  ASSERT_TRUE(put("flags-0", "x", "flags=18446744073709551614"));
  expect_same(6);
}

TEST_F(ValuesTest, LocksBySessions) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string session = kv_->create_session();
  ASSERT_EQ(session.size(), 36U);
  ASSERT_TRUE(put("leader", "me", "acquire=" + session));
  expect_same(2);
  EXPECT_EQ(reader_->entry("leader")->session(), session);
  EXPECT_EQ(reader_->entry("leader")->lock_index(), 1U);
  ASSERT_TRUE(put("leader", "me", "release=" + session));
  expect_same(2);
  EXPECT_EQ(reader_->entry("leader")->session(), "");
  EXPECT_EQ(reader_->entry("leader")->lock_index(), 1U);
  ASSERT_TRUE(put("leader", "you", "acquire=" + kv_->create_session()));
  expect_same(2);
  EXPECT_EQ(reader_->entry("leader")->lock_index(), 2U);
}

TEST_F(ValuesTest, BinaryEmptyAndLargestValues) {
  ASSERT_NO_FATAL_FAILURE(start());
  std::string all_bytes(256, '\0');
  std::iota(all_bytes.begin(), all_bytes.end(), '\0');
  std::string largest(512 * 1024, '\0');
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (char& byte : largest) byte = static_cast<char>(random());
  ASSERT_TRUE(put("empty", ""));
  ASSERT_TRUE(put("zero", "\0"s));
  ASSERT_TRUE(put("all-bytes", all_bytes));
  ASSERT_TRUE(put("largest", largest));
  // base64 ends in three ways
  for (std::size_t size = 1; size <= 4; ++size) {
    ASSERT_TRUE(put("short-" + std::to_string(size), all_bytes.substr(252, size)));
  }
  expect_same(9);
  EXPECT_EQ(reader_->get("empty"), "");
  EXPECT_EQ(reader_->get("all-bytes"), all_bytes);
  EXPECT_TRUE(reader_->get("largest") == largest);
}

TEST_F(ValuesTest, UnicodeFoldersAndOddNames) {
  ASSERT_NO_FATAL_FAILURE(start());
  std::size_t keys = 1;
  for (const char* key : {"größe", "配置/端口", "😀", "folder/", "folder/inner/", "folder/x", "with space",
                          "a%2Fb", "what?index=5", "a#b", "a&b<c>", "\"quoted\"", "back\\slash", "+",
                          "e\xCC\x81", "\xC3\xA9"}) {
    ASSERT_TRUE(put(key, "value of "s + key)) << key;
    ++keys;
  }
  ASSERT_TRUE(put("", "the folder itself, which has no name below its own prefix"));
  expect_same(keys);
  EXPECT_EQ(reader_->get("配置/端口"), "value of 配置/端口");
  EXPECT_EQ(reader_->get("folder/"), "value of folder/");
  EXPECT_FALSE(reader_->contains(""));
  ASSERT_TRUE(remove("folder/"));  // the folder's own key, not what is in it
  ASSERT_TRUE(remove("配置/端口"));
  expect_same(keys - 2);
}

TEST_F(ValuesTest, KeysThatOnlyTransactionsReach) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::array<std::pair<const char*, std::string>, 7> keys = {{{"a//b", "a//b"},
                                                                    {"/leading", "/leading"},
                                                                    {"../escape", "../escape"},
                                                                    {"./here", "./here"},
                                                                    {"trailing//", "trailing//"},
                                                                    {"new\\nline", "new\nline"},
                                                                    {"nul\\u0000byte", "nul\0byte"s}}};
  for (const auto& [json, name] : keys) ASSERT_TRUE(transact("set", json, name)) << json;
  expect_same(1 + keys.size());
  for (const auto& [json, name] : keys) EXPECT_EQ(reader_->get(name), name) << json;
  // Their deletion is believed too, though no GET can ask for them.
  std::size_t left = 1 + keys.size();
  for (const auto& [json, name] : keys) {
    ASSERT_TRUE(transact("delete", json)) << json;
    expect_same(--left);
  }
}

TEST_F(ValuesTest, TenThousandKeys) {
  constexpr std::size_t kKeys = 10'000;
  Pairs pairs;
  for (std::size_t i = 0; i < kKeys; ++i) {
    pairs.emplace_back(kPrefix + "service-"s + std::to_string(i % 100) + "/key-" + std::to_string(i),
                       std::string(i % 200, static_cast<char>('a' + i % 26)));
  }
  ASSERT_TRUE(kv_->put_all(pairs));
  ASSERT_NO_FATAL_FAILURE(start());
  expect_same(kKeys + 1);
  ASSERT_TRUE(put("service-7/key-7", "changed"));
  expect_same(kKeys + 1);
  ASSERT_TRUE(remove("service-7/", "recurse"));
  expect_same(kKeys + 1 - 100);
  EXPECT_FALSE(reader_->contains("service-7/key-7"));
  EXPECT_TRUE(reader_->contains("service-70/key-70"));
}

}  // namespace
}  // namespace shmconf::integration
