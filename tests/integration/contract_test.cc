// What the development endpoint, the fake and a real Consul have in common: reads, writes, transactions, errors.
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "integration/contract_fixture.h"

namespace shmconf {
namespace {

using nlohmann::json;

INSTANTIATE_TEST_SUITE_P(Every, Contract, kEveryServer, server_name);

json parsed(const harness::HttpResponse& response) { return json::parse(response.body, nullptr, false); }

std::vector<std::string> key_names(const harness::HttpResponse& response) {
  std::vector<std::string> keys;
  for (const auto& item : parsed(response)) keys.push_back(item.value("Key", "?"));
  return keys;
}

std::uint64_t modify_index(const harness::HttpResponse& response) {
  return parsed(response)[0]["ModifyIndex"];
}

TEST_P(Contract, OneKeyIsByteForByteWhatConsulSends) {
  ASSERT_TRUE(kv().put("a/b", "hello", "flags=3"));
  const auto response = kv().get("a/b");
  ASSERT_EQ(response.status, 200);
  const auto index = std::to_string(response.index().value());
  EXPECT_EQ(response.body,
            "[\n    {\n        \"LockIndex\": 0,\n        \"Key\": \"a/b\",\n        \"Flags\": 3,\n"
            "        \"Value\": \"aGVsbG8=\",\n        \"CreateIndex\": " + index +
                ",\n        \"ModifyIndex\": " + index + "\n    }\n]\n");
  EXPECT_EQ(kv().get("a/b", "pretty").body, response.body);
  EXPECT_EQ(kv().get("a/b", "stale").body, response.body);
  EXPECT_EQ(kv().get("a/b", "consistent").body, response.body);
  EXPECT_EQ(kv().get("a/b", "dc=dc1").body, response.body);
}

TEST_P(Contract, HeadersAreConsuls) {
  ASSERT_TRUE(kv().put("k", "v"));
  for (const auto* query : {"", "recurse", "keys", "raw"}) {
    const auto response = kv().get("k", query);
    const auto index = std::to_string(response.index().value_or(0));
    EXPECT_NE(response.head.find("\r\nX-Consul-Index: " + index + "\r\n"), std::string::npos);
    EXPECT_NE(response.head.find("\r\nX-Consul-Knownleader: true\r\n"), std::string::npos) << response.head;
    EXPECT_NE(response.head.find("\r\nX-Consul-Lastcontact: 0\r\n"), std::string::npos) << response.head;
    EXPECT_TRUE(response.header("Date"));
    const bool raw = std::string_view(query) == "raw";
    EXPECT_EQ(response.header("Content-Type"), raw ? "text/plain" : "application/json");
  }
  const auto put = request("PUT", "/v1/kv/k", "w");
  EXPECT_EQ(put.body, "true\n");
  EXPECT_EQ(put.header("Content-Type"), "application/json");
  EXPECT_FALSE(put.index());
}

TEST_P(Contract, LongAnswersAreChunkedAndShortAndRawOnesAreNot) {
  const std::string value(4000, 'x');
  ASSERT_TRUE(kv().put("long", value));
  ASSERT_TRUE(kv().put("short", "x"));
  const auto long_answer = kv().get("long");
  EXPECT_EQ(long_answer.header("Transfer-Encoding"), "chunked");
  EXPECT_FALSE(long_answer.header("Content-Length"));
  EXPECT_EQ(parsed(long_answer)[0]["Value"], harness::base64(value));
  EXPECT_EQ(kv().get("short").header("Content-Length"), std::to_string(kv().get("short").body.size()));
  const auto raw = kv().get("long", "raw");
  EXPECT_EQ(raw.header("Content-Length"), "4000");
  EXPECT_EQ(raw.body, value);
}

TEST_P(Contract, ValuesAndKeysAreBytes) {
  std::string binary;
  for (int i = 0; i < 256; ++i) binary += static_cast<char>(i);
  ASSERT_TRUE(kv().put("bin", binary));
  ASSERT_TRUE(kv().put("empty", ""));
  ASSERT_TRUE(kv().put("folder/", "f"));
  ASSERT_TRUE(kv().put("caf\xC3\xA9 <&>\"#?%", "unicode"));
  ASSERT_TRUE(kv().put("bad\xFF utf8", "lossy"));
  EXPECT_EQ(kv().get("bin", "raw").body, binary);
  EXPECT_EQ(parsed(kv().get("bin"))[0]["Value"], harness::base64(binary));
  EXPECT_TRUE(parsed(kv().get("empty"))[0]["Value"].is_null());
  EXPECT_EQ(kv().get("empty", "raw").header("Content-Length"), "0");
  EXPECT_EQ(kv().get("folder/", "raw").body, "f");
  EXPECT_EQ(kv().get("folder").status, 404);
  const auto odd = kv().get("caf\xC3\xA9 <&>\"#?%");
  EXPECT_NE(odd.body.find("caf\xC3\xA9 \\u003c\\u0026\\u003e\\\"#?%"), std::string::npos) << odd.body;
  EXPECT_NE(kv().get("bad\xFF utf8").body.find("bad\\ufffd utf8"), std::string::npos);
  EXPECT_EQ(key_names(kv().get("", "recurse")),
            (std::vector<std::string>{"bad\xEF\xBF\xBD utf8", "bin", "caf\xC3\xA9 <&>\"#?%", "empty",
                                      "folder/"}));
}

TEST_P(Contract, FlagsAreWholeUnsignedNumbers) {
  for (const auto* flags : {"0", "9007199254740993", "18446744073709551615"}) {
    ASSERT_TRUE(kv().put("f", "v", std::string("flags=") + flags));
    EXPECT_NE(kv().get("f").body.find("\"Flags\": " + std::string(flags) + ","), std::string::npos);
  }
  const auto over = request("PUT", "/v1/kv/f?flags=18446744073709551616", "v");
  EXPECT_EQ(over.status, 500);
  EXPECT_EQ(over.body, "strconv.ParseUint: parsing \"18446744073709551616\": value out of range");
  EXPECT_EQ(request("PUT", "/v1/kv/f?flags=x", "v").body, "strconv.ParseUint: parsing \"x\": invalid syntax");
  EXPECT_EQ(request("PUT", "/v1/kv/f?cas=", "v").body, "strconv.ParseUint: parsing \"\": invalid syntax");
}

TEST_P(Contract, AWriteKeepsCreateIndexAndMovesModifyIndexOnlyOnChange) {
  ASSERT_TRUE(kv().put("k", "1"));
  const auto first = modify_index(kv().get("k"));
  ASSERT_TRUE(kv().put("k", "1"));
  EXPECT_EQ(modify_index(kv().get("k")), first) << "the same value and flags";
  ASSERT_TRUE(kv().put("k", "1", "flags=1"));
  const auto second = modify_index(kv().get("k"));
  EXPECT_GT(second, first);
  ASSERT_TRUE(kv().put("k", "2", "flags=1"));
  EXPECT_GT(modify_index(kv().get("k")), second);
  EXPECT_EQ(parsed(kv().get("k"))[0]["CreateIndex"], first);
  ASSERT_TRUE(kv().put("k", "3"));
  EXPECT_EQ(parsed(kv().get("k"))[0]["Flags"], 0) << "flags not given are 0, not kept";
}

TEST_P(Contract, CasAppliesOnlyAtItsIndex) {
  EXPECT_FALSE(kv().put("k", "v", "cas=99"));
  EXPECT_EQ(kv().get("k").status, 404);
  EXPECT_TRUE(kv().put("k", "v", "cas=0"));
  EXPECT_FALSE(kv().put("k", "w", "cas=0"));
  const auto index = std::to_string(modify_index(kv().get("k")));
  EXPECT_TRUE(kv().put("k", "v", "cas=" + index));
  EXPECT_EQ(std::to_string(modify_index(kv().get("k"))), index) << "success, but nothing changed";
  EXPECT_TRUE(kv().put("k", "w", "cas=" + index));
  EXPECT_FALSE(kv().put("k", "x", "cas=" + index));
  EXPECT_EQ(kv().get("k", "raw").body, "w");
  EXPECT_EQ(request("PUT", "/v1/kv/k?cas=1", "x").body, "false\n");
  EXPECT_FALSE(kv().remove("k", "cas=" + index));
  EXPECT_FALSE(kv().remove("k", "cas=0"));
  EXPECT_TRUE(kv().remove("k", "cas=" + std::to_string(modify_index(kv().get("k")))));
  EXPECT_TRUE(kv().remove("k", "cas=5")) << "already absent";
  EXPECT_EQ(kv().get("k").status, 404);
}

TEST_P(Contract, DeletionsMoveTheIndexOfThePrefix) {
  ASSERT_TRUE(kv().put("d/1", "1"));
  ASSERT_TRUE(kv().put("d/2", "2"));
  const auto before = index_of("/v1/kv/d/?recurse");
  ASSERT_TRUE(kv().remove("d/2"));
  const auto after = index_of("/v1/kv/d/?recurse");
  EXPECT_GT(after, before) << "though the newest key that is left is older";
  EXPECT_EQ(index_of("/v1/kv/d/1"), before - 1) << "one key's index is its own";
  EXPECT_TRUE(kv().remove("d/none"));
  EXPECT_EQ(index_of("/v1/kv/d/?recurse"), after) << "nothing was deleted";
  ASSERT_TRUE(kv().remove("d/", "recurse"));
  const auto gone = kv().get("d/", "recurse");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.body, "");
  EXPECT_GT(gone.index().value_or(0), after);
  EXPECT_EQ(gone.header("X-Consul-Knownleader"), "true");
}

TEST_P(Contract, DeleteRecurseTakesWhatBeginsWithThePrefix) {
  for (const auto* key : {"app/1", "app/x/2", "applause", "ap", "b"}) ASSERT_TRUE(kv().put(key, "v"));
  EXPECT_EQ(key_names(kv().get("app", "recurse")),
            (std::vector<std::string>{"app/1", "app/x/2", "applause"}));
  ASSERT_TRUE(kv().remove("app/", "recurse"));
  EXPECT_EQ(key_names(kv().get("", "recurse")), (std::vector<std::string>{"ap", "applause", "b"}));
  ASSERT_TRUE(kv().remove("", "recurse"));
  EXPECT_EQ(kv().get("", "recurse").status, 404);
  const auto conflict = request("DELETE", "/v1/kv/b?recurse&cas=1");
  EXPECT_EQ(conflict.status, 400);
  EXPECT_EQ(conflict.body, "Conflicting flags: cas=1&recurse=");
}

TEST_P(Contract, KeysAreListedAndFoldedAtTheSeparator) {
  EXPECT_EQ(kv().get("", "keys").body, "[]\n");
  for (const auto* key : {"a/", "a/1", "a/b/1", "a/b/2", "a/c", "z"}) ASSERT_TRUE(kv().put(key, "v"));
  EXPECT_EQ(parsed(kv().get("a/", "keys")), json({"a/", "a/1", "a/b/1", "a/b/2", "a/c"}));
  EXPECT_EQ(parsed(kv().get("a/", "keys&separator=/")), json({"a/", "a/1", "a/b/", "a/c"}));
  EXPECT_EQ(parsed(kv().get("", "keys&separator=/")), json({"a/", "z"}));
  EXPECT_EQ(parsed(kv().get("", "keys&separator=b/")), json({"a/", "a/1", "a/b/", "a/c", "z"}));
  EXPECT_EQ(kv().get("a/", "keys").body.substr(0, 13), "[\n    \"a/\",\n ");
  EXPECT_EQ(parsed(kv().get("a/", "keys&recurse")).size(), 5U);
  EXPECT_EQ(index_of("/v1/kv/a/?keys&separator=/"), index_of("/v1/kv/a/?recurse"));
  const auto none = kv().get("none/", "keys");
  EXPECT_EQ(none.status, 404);
  EXPECT_TRUE(none.index());
}

TEST_P(Contract, AnAbsentKeyAnswers404WithAnIndexThatIsNeverZero) {
  EXPECT_EQ(index_of("/v1/kv/none"), 1U);
  EXPECT_EQ(index_of("/v1/kv/none/?recurse"), 1U);
  ASSERT_TRUE(kv().put("other", "v"));
  const auto absent = kv().get("none");
  EXPECT_EQ(absent.status, 404);
  EXPECT_EQ(absent.body, "");
  EXPECT_EQ(absent.header("Content-Length"), "0");
  EXPECT_EQ(absent.index(), modify_index(kv().get("other")));
}

TEST_P(Contract, ValuesAreLimitedTo512KiB) {
  ASSERT_TRUE(kv().put("big", std::string(524288, 'b')));
  EXPECT_EQ(kv().get("big", "raw").body.size(), 524288U);
  const auto refused = request("PUT", "/v1/kv/big", std::string(524289, 'c'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.header("Connection"), "close");
  EXPECT_EQ(refused.body, "Request body(524289 bytes) too large, max size: 524288 bytes. See "
                          "https://www.consul.io/docs/agent/options.html#kv_max_value_size.");
  const auto announced = request("PUT", "/v1/kv/big", std::string(600000, 'd'));
  EXPECT_TRUE(announced.body.starts_with("Request body(600000 bytes) too large")) << announced.body;
  EXPECT_EQ(kv().get("big", "raw").body[0], 'b');
}

TEST_P(Contract, BadRequestsAreRefusedInConsulsWords) {
  struct Case {
    const char *method, *target;
    int status;
    const char* body;
  };
  const std::vector<Case> cases{
      {"GET", "/v1/kv/a?index=abc", 400, "Invalid index"},
      {"GET", "/v1/kv/a?index=-1", 400, "Invalid index"},
      {"GET", "/v1/kv/a?index=1.5", 400, "Invalid index"},
      {"GET", "/v1/kv/a?index=18446744073709551616", 400, "Invalid index"},
      {"GET", "/v1/kv/a?index=1&wait=2", 400, "Invalid wait time"},
      {"GET", "/v1/kv/a?wait=abc", 400, "Invalid wait time"},
      {"GET", "/v1/kv/a?wait=1s5", 400, "Invalid wait time"},
      {"GET", "/v1/kv/a?stale&consistent", 400,
       "Cannot specify ?stale with ?consistent, conflicting semantics."},
      {"GET", "/v1/kv/a?dc=nowhere", 500, "No path to datacenter"},
      {"GET", "/v1/kv/", 400, "Missing key name"},
      {"PUT", "/v1/kv/", 400, "Missing key name"},
      {"DELETE", "/v1/kv/", 400, "Missing key name"},
      {"POST", "/v1/kv/a", 405, "method POST not allowed"},
      {"HEAD", "/v1/kv/a", 405, ""},
      {"GET", "/v1/txn", 405, "method GET not allowed"},
      {"GET", "/v1/kv/a%0ab", 400, ""},
      {"GET", "/v1/kv/a%00b", 400, ""},
      {"GET", "/v1/kv/a%7fb", 400, ""},
      {"GET", "/v1/nothing", 404, ""},
  };
  for (const auto& [method, target, status, body] : cases) {
    const auto response = request(method, target);
    EXPECT_EQ(response.status, status) << method << " " << target;
    EXPECT_EQ(response.body, body) << method << " " << target;
    EXPECT_FALSE(response.index()) << method << " " << target;
  }
}

TEST_P(Contract, UncleanPathsAreRedirected) {
  const std::vector<std::pair<std::string, std::string>> moved{
      {"/v1/kv/a//b", "/v1/kv/a/b"},
      {"/v1/kv/a%2F%2Fb", "/v1/kv/a/b"},
      {"/v1/kv/a/../b", "/v1/kv/b"},
      {"/v1/kv/a/./b/", "/v1/kv/a/b/"},
      {"/v1/kv", "/v1/kv/"},
      {"/v1/kv//a%20b?recurse&x=1", "/v1/kv/a%20b?recurse&x=1"}};
  for (const auto& [target, location] : moved) {
    const auto response = request("GET", target);
    EXPECT_EQ(response.status, 301) << target;
    EXPECT_EQ(response.header("Location"), location) << target;
  }
}

TEST_P(Contract, RequestsThatAreNotHttpGetAnAnswerAndAnEnd) {
  harness::HttpConnection connection("127.0.0.1", port());
  const auto no_host = connection.exchange("GET /v1/kv/a HTTP/1.1\r\n\r\n");
  EXPECT_EQ(no_host.status, 400);
  EXPECT_EQ(no_host.body, "400 Bad Request: missing required Host header");
  EXPECT_EQ(connection.exchange("GARBAGE\r\n\r\n").status, 400);
  const std::string long_header = "Host: x\r\nLong: " + std::string(1200000, 'a');
  EXPECT_EQ(connection.exchange("GET /v1/kv/a HTTP/1.1\r\n" + long_header + "\r\n\r\n").status, 431);
  const auto old = connection.exchange("GET /v1/kv/a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.status, 404);
  EXPECT_TRUE(old.head.starts_with("HTTP/1.0 "));
  EXPECT_EQ(connection.exchange("PUT /v1/kv/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body, "true\n");
  EXPECT_EQ(kv().get("c", "raw").body, "abcde");
  EXPECT_EQ(kv().get(std::string(70000, 'k'), "raw").status, 404) << "a long key is no bad request";
}

TEST_P(Contract, OneConnectionServesManyRequests) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(kv().put("n", std::to_string(i)));
    ASSERT_EQ(kv().get("n", "raw").body, std::to_string(i));
    EXPECT_EQ(kv().get("none").status, 404);
    EXPECT_FALSE(kv().connection().fresh());
  }
}

TEST_P(Contract, TransactionsApplyWhollyAtOneIndex) {
  const auto done = kv().txn(R"([{"KV":{"Verb":"set","Key":"t/1","Value":"aGk=","Flags":7}},
                                 {"KV":{"Verb":"set","Key":"t//2","Value":"aGk="}},
                                 {"KV":{"Verb":"get","Key":"t/1"}},{"kv":{"verb":"get-tree","key":"t/"}}])");
  ASSERT_EQ(done.status, 200) << done.body;
  const auto results = parsed(done)["Results"];
  ASSERT_EQ(results.size(), 5U);
  EXPECT_TRUE(results[0]["KV"]["Value"].is_null()) << "a write returns no value";
  EXPECT_EQ(results[2]["KV"]["Value"], "aGk=");
  EXPECT_EQ(results[3]["KV"]["Key"], "t//2");
  EXPECT_TRUE(parsed(done)["Errors"].is_null());
  EXPECT_FALSE(done.index());
  const auto tree = parsed(kv().get("t/", "recurse"));
  EXPECT_EQ(tree[0]["ModifyIndex"], tree[1]["ModifyIndex"]);

  const auto index = std::to_string(modify_index(kv().get("t/1")));
  const auto checked = kv().txn(R"([{"KV":{"Verb":"check-index","Key":"t/1","Index":)" + index + R"(}},
                                    {"KV":{"Verb":"cas","Key":"t/1","Value":"eW8=","Index":)" + index + R"(}},
                                    {"KV":{"Verb":"check-not-exists","Key":"t/3"}},
                                    {"KV":{"Verb":"delete","Key":"t/3"}}])");
  EXPECT_EQ(checked.status, 200);
  EXPECT_EQ(kv().get("t/1", "raw").body, "yo");
  const auto emptied = kv().txn(R"([{"KV":{"Verb":"delete-tree","Key":"t/"}}])");
  EXPECT_EQ(emptied.body, "{\n    \"Results\": [],\n    \"Errors\": null\n}\n");
  EXPECT_EQ(kv().get("t/", "recurse").status, 404);
}

TEST_P(Contract, AFailedTransactionChangesNothingAndNamesEveryFailure) {
  ASSERT_TRUE(kv().put("t/1", "one"));
  ASSERT_TRUE(kv().put("t/2", "two"));
  const auto before = kv().get("", "recurse");
  const auto failed = kv().txn(R"([
      {"KV":{"Verb":"set","Key":"t/1","Value":"aGk="}},{"KV":{"Verb":"set","Key":"new"}},
      {"KV":{"Verb":"delete","Key":"t/2"}},{"KV":{"Verb":"delete-tree","Key":"t/"}},
      {"KV":{"Verb":"get","Key":"none"}},{"KV":{"Verb":"cas","Key":"new","Index":1}}])");
  EXPECT_EQ(failed.status, 409);
  EXPECT_EQ(parsed(failed)["Results"], json());
  EXPECT_EQ(parsed(failed)["Errors"], json::parse(R"([{"OpIndex":4,"What":"key \"none\" doesn't exist"},
      {"OpIndex":5,"What":"failed to set key \"new\", index is stale"}])"));
  EXPECT_EQ(kv().get("", "recurse").body, before.body);
  EXPECT_EQ(kv().get("", "recurse").index(), before.index());
}

TEST_P(Contract, TransactionsHaveConsulsLimitsAndErrors) {
  const auto operations = [](int count) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) {
      text += std::string(i > 0 ? "," : "") + R"({"KV":{"Verb":"set","Key":"k)" + std::to_string(i) + "\"}}";
    }
    return text + "]";
  };
  EXPECT_EQ(kv().txn(operations(64)).status, 200);
  const auto many = kv().txn(operations(65));
  EXPECT_EQ(many.status, 413);
  EXPECT_EQ(many.body, "Transaction contains too many operations (65 > 64)");
  const std::string long_value(540000, 'a');
  EXPECT_EQ(kv().txn(R"([{"KV":{"Verb":"set","Key":"k","Value":")" + long_value + "\"}}]").status, 413);
  EXPECT_EQ(kv().txn("").body, "Failed to parse body: EOF");
  for (const auto* bad :
       {"{", "[{}", R"([{"KV":{"Verb":"set","Key":"k","Value":"!!"}}])", R"([{"KV":{"Bogus":1}}])",
        R"({"KV":{"Verb":"set","Key":"k"}})", R"([{"KV":{"Verb":"set","Key":"k","Value":5}}])"}) {
    const auto response = kv().txn(bad);
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_TRUE(response.body.starts_with("Failed to parse body: ")) << response.body;
  }
  const auto unknown = kv().txn(R"([{"KV":{"Verb":"foo","Key":"k"}}])");
  EXPECT_EQ(unknown.status, 409);
  EXPECT_EQ(unknown.body,
            "{\n    \"Results\": null,\n    \"Errors\": [\n        {\n            \"OpIndex\": 0,\n"
            "            \"What\": \"unknown KV verb \\\"foo\\\"\"\n        }\n    ],\n    \"Index\": 0,\n"
            "    \"LastContact\": 0,\n    \"KnownLeader\": true,\n    \"ConsistencyLevel\": \"\"\n}\n");
  EXPECT_EQ(parsed(kv().txn(R"([{"KV":{"Verb":"set","Key":""}}])"))["Errors"][0]["What"], "Must provide key");
}

TEST_P(Contract, TheClusterIsThere) {
  EXPECT_TRUE(request("GET", "/v1/status/leader").body.starts_with("\"127.0.0.1:"));
  EXPECT_EQ(parsed(request("GET", "/v1/status/peers")).size(), 1U);
  EXPECT_EQ(parsed(request("GET", "/v1/agent/self"))["Config"]["Datacenter"], "dc1");
}

// Random writes, then the same state on both sides of a model.
TEST_P(Contract, RandomWritesEndAsAModelSays) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::map<std::string, std::string> model;
  for (int i = 0; i < 400; ++i) {
    const std::string directory = "m/" + std::to_string(random() % 4) + "/";
    const std::string key = directory + std::to_string(random() % 10);
    const auto choice = random() % 20;
    if (choice < 13) {
      model[key] = std::to_string(i);
      ASSERT_TRUE(kv().put(key, model[key]));
    } else if (choice < 19) {
      model.erase(key);
      ASSERT_TRUE(kv().remove(key));
    } else {
      std::erase_if(model, [&](const auto& pair) { return pair.first.starts_with(directory); });
      ASSERT_TRUE(kv().remove(directory, "recurse"));
    }
  }
  std::map<std::string, std::string> found;
  for (const auto& item : parsed(kv().get("m/", "recurse"))) found[item["Key"]] = item["Value"];
  for (auto& [key, value] : model) value = harness::base64(value);
  EXPECT_EQ(found, model);
}

}  // namespace
}  // namespace shmconf
