// What has no network in it: targets, durations, JSON text, seeds, and the questions of KvApi.
#include "dev/kv_api.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <string>

#include "dev/consul_json.h"
#include "dev/endpoint.h"
#include "dev/request.h"
#include "dev/seed.h"
#include "harness/temp_directory.h"

namespace shmconf::dev {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(GoDuration, IsReadAsGoReadsIt) {
  EXPECT_EQ(parse_go_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_go_duration("1h2m3.5s"), hours(1) + minutes(2) + milliseconds(3500));
  EXPECT_EQ(parse_go_duration("2us"), microseconds(2));
  EXPECT_EQ(parse_go_duration("2\xc2\xb5s"), microseconds(2));
  EXPECT_EQ(parse_go_duration(".5s"), milliseconds(500));
  EXPECT_EQ(parse_go_duration("-1s"), -seconds(1));
  EXPECT_EQ(parse_go_duration("+1m"), minutes(1));
  EXPECT_EQ(parse_go_duration("0"), seconds(0));
  for (const auto* bad :
       {"", "2", "abc", "s", "1", "1s2", "1.2.3s", "--1s", ".s", "1 s", "99999999999999h"}) {
    EXPECT_FALSE(parse_go_duration(bad)) << bad;
  }
}

TEST(Target, SplitsAndDecodes) {
  const auto target = parse_target("/v1/kv/a%20b+c?recurse&index=7&x=a+b%21&index=8&&=z&bad=%z");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/kv/a b+c");
  EXPECT_EQ(target->value("index"), "7");
  EXPECT_EQ(target->value("recurse"), "");
  EXPECT_EQ(target->value("x"), "a b!");
  EXPECT_FALSE(target->has("bad"));
  EXPECT_FALSE(target->has("keys"));
  EXPECT_FALSE(parse_target("/v1/kv/%zz"));
  EXPECT_FALSE(parse_target("/v1/kv/%4"));
  EXPECT_FALSE(parse_target("no-slash"));
}

TEST(Target, PathsAreCleanedAndEscaped) {
  EXPECT_EQ(cleaned_path("/v1/kv//a/./b/../c/"), "/v1/kv/a/c/");
  EXPECT_EQ(cleaned_path("/../.."), "/");
  EXPECT_EQ(cleaned_path(""), "/");
  EXPECT_EQ(escaped_path("/a b\xc3\xa9?"), "/a%20b%C3%A9%3F");
  EXPECT_TRUE(printable("/caf\xc3\xa9/\xff"));
  EXPECT_FALSE(printable("/a\nb"));
  EXPECT_FALSE(printable("/a\xc2\x85"));
}

TEST(ConsulJson, StringsAreWrittenAsGoWritesThem) {
  EXPECT_EQ(quoted("a\"\\<>&\n\r\t\x01\x7f"), "\"a\\\"\\\\\\u003c\\u003e\\u0026\\n\\r\\t\\u0001\x7f\"");
  EXPECT_EQ(quoted("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
  EXPECT_EQ(quoted("\xe2\x80\xa8"), "\"\\u2028\"");
  for (const auto* bad : {"\xff", "\xc0", "\xf5", "\x80"}) EXPECT_EQ(quoted(bad), "\"\\ufffd\"");
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"") << "a surrogate";
  EXPECT_EQ(quoted("\xe2\x80"), "\"\\ufffd\\ufffd\"") << "cut short";
  EXPECT_EQ(quoted("\xe0\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\"") << "overlong";
}

TEST(ConsulJson, Base64IsStrictAndComesBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(encode_base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_EQ(decode_base64(""), "");
  for (const auto* bad : {"a", "ab=", "a===", "a=bc", "!!!!", "YWI=YWI="}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

TEST(KvApi, CompactJsonHasNoBlankAndNoNewline) {
  KvStore store;
  KvApi api(store, {Layout::kCompact, "dc1"});
  EXPECT_EQ(api.answer({"PUT", "/v1/kv/k", "v"}).body, "true");
  EXPECT_EQ(api.answer({"GET", "/v1/kv/k", ""}).body,
            R"([{"LockIndex":0,"Key":"k","Flags":0,"Value":"dg==","CreateIndex":2,"ModifyIndex":2}])");
  EXPECT_EQ(api.answer({"GET", "/v1/kv/?keys&pretty", ""}).body, "[\n    \"k\"\n]\n");
  EXPECT_EQ(api.answer({"PUT", "/v1/txn", R"([{"KV":{"Verb":"get","Key":"k"}}])"}).body,
            R"({"Results":[{"KV":{"LockIndex":0,"Key":"k","Flags":0,"Value":"dg==",)"
            R"("CreateIndex":2,"ModifyIndex":2}}],"Errors":null,"Index":0,)"
            R"("LastContact":0,"KnownLeader":true,"ConsistencyLevel":""})");
}

TEST(KvApi, OnlyABlockingQueryThatKnowsEverythingMustWait) {
  KvStore store;
  KvApi api(store);
  store.put("p/k", "v");
  const auto index = std::to_string(store.get("p/k").index);
  const auto wait = [&](const std::string& target) { return api.must_wait({"GET", target, ""}); };
  const auto blocking = wait("/v1/kv/p/?recurse&wait=2s&index=" + index);
  ASSERT_TRUE(blocking);
  EXPECT_EQ(blocking->watched.path, "p/");
  EXPECT_TRUE(blocking->watched.prefix);
  EXPECT_EQ(blocking->wait, seconds(2));
  EXPECT_EQ(wait("/v1/kv/p/k?index=" + index)->wait, minutes(5));
  EXPECT_EQ(wait("/v1/kv/p/k?wait=1h&index=" + index)->wait, minutes(10));
  EXPECT_EQ(wait("/v1/kv/p/k?wait=1ns&index=" + index)->wait, milliseconds(1));
  EXPECT_FALSE(wait("/v1/kv/p/?recurse&index=1"));
  EXPECT_FALSE(wait("/v1/kv/p/?recurse&index=0"));
  EXPECT_FALSE(wait("/v1/kv/p/?recurse"));
  EXPECT_FALSE(wait("/v1/kv/p/?recurse&wait=5&index=" + index));
  EXPECT_FALSE(wait("/v1/kv//p/k?index=" + index));
  EXPECT_FALSE(wait("/v1/kv/?index=" + index)) << "no key name";
  EXPECT_FALSE(wait("/v1/status/leader?index=" + index));
  EXPECT_FALSE(api.must_wait({"PUT", "/v1/kv/p/k?index=" + index, ""}));
}

TEST(KvApi, SaysWhatItDoesNotDo) {
  KvStore store;
  KvApi api(store);
  for (const auto* target : {"/v1/kv/k?acquire=x", "/v1/kv/k?release=x"}) {
    const auto reply = api.answer({"PUT", target, "v"});
    EXPECT_EQ(reply.status, 400U);
    EXPECT_NE(reply.body.find("does not support sessions"), std::string::npos) << reply.body;
  }
  const auto lock = api.answer({"PUT", "/v1/txn", R"([{"KV":{"Verb":"lock","Key":"k","Session":"s"}}])"});
  EXPECT_EQ(lock.status, 409U);
  EXPECT_NE(lock.body.find("not supported by shmconf dev"), std::string::npos);
  const auto node = api.answer({"PUT", "/v1/txn", R"([{"Node":{"Verb":"get"}}])"});
  EXPECT_EQ(node.status, 400U);
  EXPECT_NE(node.body.find("does not support \"Node\""), std::string::npos);
  EXPECT_TRUE(store.list("").empty());
}

TEST(Seed, TakesAnObjectOrAnExport) {
  KvStore store;
  const auto object = seed_from_json(store, R"({"a":"text","b":{"n":1}, // and a remark
                                                "c":5,"d":""})", "seed");
  ASSERT_TRUE(object) << object.error().text;
  EXPECT_EQ(*object, 4U);
  EXPECT_EQ(store.get("a").entry->value, "text");
  EXPECT_EQ(store.get("b").entry->value, R"({"n":1})");
  EXPECT_EQ(store.get("c").entry->value, "5");
  const auto exported = seed_from_json(store, R"([{"key":"e/1","flags":18446744073709551615,"value":"aGk="},
                                                  {"key":"e/2","flags":0,"value":""}])", "seed");
  ASSERT_TRUE(exported) << exported.error().text;
  EXPECT_EQ(store.get("e/1").entry->value, "hi");
  EXPECT_EQ(store.get("e/1").entry->flags, ~std::uint64_t{0});
}

TEST(Seed, PutsAllOrNothing) {
  KvStore store;
  for (const auto* bad : {"", "5", "{", R"([{"key":"a","value":"aGk="},{"key":"b","value":"!"}])", R"([5])",
                          R"([{"key":"a","flags":-1}])", R"({"a":"x","":"y"})"}) {
    const auto result = seed_from_json(store, bad, "seed.json");
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
    EXPECT_TRUE(result.error().text.starts_with("seed.json: ")) << result.error().text;
  }
  const std::string cut("{\"a\":\"x\"}\0{\"b\":", 16);
  EXPECT_EQ(seed_from_json(store, cut, "seed.json").error().code, ErrorCode::kInvalid) << "the parser stops at a NUL";
  EXPECT_TRUE(store.list("").empty());
  EXPECT_EQ(seed_from_file(store, "/nonexistent/seed.json").error().code, ErrorCode::kAbsent);
}

TEST(Endpoint, ListensOnLoopbackOnly) {
  boost::asio::io_context io;
  for (const auto* refused : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example:0", "127.0.0.1", "127.0.0.1:",
                              "127.0.0.1:x", "127.0.0.1:65536", ":0", ""}) {
    EndpointOptions options;
    options.listen = refused;
    const auto endpoint = run_endpoint(io, options);
    ASSERT_FALSE(endpoint) << refused;
    EXPECT_EQ(endpoint.error().code, ErrorCode::kInvalid) << refused;
  }
  EndpointOptions options;
  options.listen = "localhost:0";
  const auto first = run_endpoint(io, options);
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ((*first)->url(), "http://127.0.0.1:" + std::to_string((*first)->port()));
  options.listen = "127.0.0.1:" + std::to_string((*first)->port());
  const auto second = run_endpoint(io, options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST(Endpoint, StartsWithItsSeedOrNotAtAll) {
  boost::asio::io_context io;
  const harness::TempDirectory directory;
  EndpointOptions options;
  options.listen = "127.0.0.1:0";
  options.seed_file = directory / "seed.json";
  EXPECT_EQ(run_endpoint(io, options).error().code, ErrorCode::kAbsent);
  std::ofstream(options.seed_file) << R"({"config/web/port":"8080"})";
  const auto endpoint = run_endpoint(io, options);
  ASSERT_TRUE(endpoint) << endpoint.error().text;
  EXPECT_EQ((*endpoint)->store().get("config/web/port").entry->value, "8080");
}

}  // namespace
}  // namespace shmconf::dev
