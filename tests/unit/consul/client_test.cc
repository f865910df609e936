// Client against a server that plays raw bytes: what Consul sends, and what broken ones do.
#include "consul/client.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consul/base64.h"
#include "consul/status_text.h"
#include "unit/consul/asking.h"
#include "unit/consul/scripted_server.h"

namespace shmconf::consul {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Scripts = std::vector<ScriptedServer::Script>;

const std::string kOne = R"([{"LockIndex":0,"Key":"config/web/a","Flags":0,"Value":"MQ==",)"
                         R"("CreateIndex":5,"ModifyIndex":7}])";

settings::Consul settings_for(ScriptedServer& server) {
  settings::Consul settings;
  settings.address = server.address();
  return settings;
}

// Answers every request with the same bytes until the client closes.
ScriptedServer::Script always(std::string answer) {
  return [answer = std::move(answer)](Peer& peer) {
    while (!peer.read_request().empty()) peer.send(answer);
  };
}

// Answers one request and closes.
ScriptedServer::Script once(std::string answer) {
  return [answer = std::move(answer)](Peer& peer) {
    peer.read_request();
    peer.send(answer);
  };
}

struct Fixture {
  explicit Fixture(Scripts scripts) : server(std::move(scripts)), settings(settings_for(server)) {}

  Client& client() {
    if (!made) made = std::make_unique<Client>(io, settings, limits);
    return *made;
  }
  Result<Answer> ask(const Query& query = prefix_query()) { return consul::ask(io, client(), query); }

  ScriptedServer server;
  settings::Consul settings;
  Limits limits;
  asio::io_context io;
  std::unique_ptr<Client> made;
};

TEST(Client, ReadsAPlainAnswer) {
  Fixture f({always(plain_answer(kOne, 42))});
  auto answer = f.ask();
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  EXPECT_EQ(answer->status, 200u);
  EXPECT_EQ(answer->index, 42u);
  EXPECT_TRUE(answer->known_leader);
  EXPECT_GT(answer->header_at.time_since_epoch().count(), 0);
  ASSERT_EQ(answer->pairs.pairs().size(), 1u);
  EXPECT_EQ(answer->pairs.pairs()[0].key, "config/web/a");
  EXPECT_EQ(answer->pairs.pairs()[0].value, "1");
}

TEST(Client, ReadsAChunkedAnswerInPieces) {
  const std::string answer = chunked_answer({kOne.substr(0, 1), kOne.substr(1, 50), kOne.substr(51)}, 43);
  Fixture f({[&](Peer& peer) {
    peer.read_request();
    for (const char byte : answer) peer.send(std::string(1, byte));
    peer.wait_for_end();
  }});
  auto read = f.ask();
  ASSERT_TRUE(read.ok()) << error_text(read);
  EXPECT_EQ(read->index, 43u);
  EXPECT_EQ(read->pairs.pairs().size(), 1u);
}

TEST(Client, SendsWhatConsulNeedsAndNothingElse) {
  Fixture f({always(plain_answer(kOne, 1))});
  f.settings.token = "t0ken";
  f.settings.http_auth = "user:pass";
  ASSERT_TRUE(f.ask(prefix_query("a b/")).ok());
  const auto requests = f.server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].substr(0, requests[0].find("User-Agent")),
            "GET /v1/kv/a%20b/?recurse HTTP/1.1\r\nHost: " + f.server.address() + "\r\n");
  EXPECT_NE(requests[0].find("\r\nUser-Agent: shmconf/"), std::string::npos);
  EXPECT_NE(requests[0].find("\r\nX-Consul-Token: t0ken\r\n"), std::string::npos);
  EXPECT_NE(requests[0].find("\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"), std::string::npos);
  EXPECT_EQ(requests[0].find("Encoding"), std::string::npos);
}

TEST(Client, RefusesATokenThatWouldEndItsHeader) {
  Fixture f({always(plain_answer(kOne, 1))});
  f.settings.token = "a\r\nX-Evil: 1";
  auto answer = f.ask();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(f.server.requests().empty());
}

TEST(Client, FindsHeadersInAnyCase) {
  Fixture f({always("HTTP/1.1 200 OK\r\nx-consul-INDEX: 9\r\nX-CONSUL-KNOWNLEADER: true\r\n"
                    "x-consul-lastcontact: 31073\r\ncontent-LENGTH: 2\r\n\r\n[]")});
  auto answer = f.ask();
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  EXPECT_EQ(answer->index, 9u);
  EXPECT_TRUE(answer->known_leader);
  EXPECT_EQ(answer->last_contact, 31073ms);
}

TEST(Client, TellsMissingAndOddIndexesApart) {
  const auto index_of = [](const std::string& header) {
    Fixture f({always("HTTP/1.1 200 OK\r\n" + header + "Content-Length: 2\r\n\r\n[]")});
    auto answer = f.ask();
    EXPECT_TRUE(answer.ok()) << error_text(answer);
    EXPECT_FALSE(answer->known_leader) << "Consul said nothing";
    return answer->index;
  };
  EXPECT_EQ(index_of(""), std::nullopt);
  EXPECT_EQ(index_of("X-Consul-Index: \r\n"), std::nullopt);
  EXPECT_EQ(index_of("X-Consul-Index: -1\r\n"), std::nullopt);
  EXPECT_EQ(index_of("X-Consul-Index: 1x\r\n"), std::nullopt);
  EXPECT_EQ(index_of("X-Consul-Index: 18446744073709551616\r\n"), std::nullopt);
  EXPECT_EQ(index_of("X-Consul-Index: 0\r\n"), 0u);
  EXPECT_EQ(index_of("X-Consul-Index: 18446744073709551615\r\n"), UINT64_MAX);
}

TEST(Client, AbsentIsAnAnswer) {
  Fixture f({always(plain_answer("", 77, "404 Not Found"))});
  auto answer = f.ask();
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  EXPECT_EQ(answer->status, 404u);
  EXPECT_EQ(answer->index, 77u);
  EXPECT_TRUE(answer->pairs.pairs().empty());
  EXPECT_FALSE(status_error(*answer, prefix_query().source));
}

TEST(Client, KeepsConsulsWordsOfARefusal) {
  Fixture f({always(plain_answer("No cluster\nleader" + std::string(5000, '!'), 1,
                                 "500 Internal Server Error"))});
  auto answer = f.ask();
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  EXPECT_EQ(answer->status, 500u);
  EXPECT_EQ(answer->error_body.substr(0, 18), "No cluster leader!");
  EXPECT_EQ(answer->error_body.size(), 200u);
}

// A proxy that repeats the request in its answer must not bring a secret into the log.
TEST(Client, WordsThatRepeatASecretAreNotShown) {
  const std::string token = "0f3b9a54-7c1e-4d0c-9a11-5c8e7b2d6f10";
  const std::string padding(180, 'x');
  const std::vector<std::string> told = {"bad header X-Consul-Token: " + token,
                                         "Authorization: Basic " + encode_base64("user:password"),
                                         "no such user:password", padding + " " + token};
  for (const std::string& words : told) {
    Fixture f({once("HTTP/1.1 500 Internal Server Error\r\nContent-Length: " + std::to_string(words.size()) +
                    "\r\n\r\n" + words)});
    f.settings.token = token;
    f.settings.http_auth = "user:password";
    const auto answer = f.ask();
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 500U);
    EXPECT_EQ(answer->error_body, "(its words hold a secret that it was sent, and are not shown)") << words;
  }
}

TEST(Client, ReadsOnlyTheIndexWhenAsked) {
  Fixture f({always(chunked_answer({R"(["config/web/a",)", R"("config/web/b"])"}, 12))});
  Query query = prefix_query();
  query.what = Query::What::kIndexOnly;
  auto answer = f.ask(query);
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  EXPECT_EQ(answer->index, 12u);
  EXPECT_TRUE(answer->pairs.pairs().empty());
}

TEST(Client, KeepsItsConnection) {
  Fixture f({always(plain_answer(kOne, 1))});
  ASSERT_TRUE(f.ask().ok());
  EXPECT_TRUE(f.client().fresh_connection());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(f.ask().ok());
    EXPECT_FALSE(f.client().fresh_connection());
  }
  EXPECT_EQ(f.server.requests().size(), 4u);
}

TEST(Client, HonoursConnectionClose) {
  Fixture f({once(plain_answer(kOne, 1, "200 OK", "Connection: close\r\n")), always(plain_answer(kOne, 2))});
  ASSERT_TRUE(f.ask().ok());
  auto second = f.ask(blocking_query(1, 10s));
  ASSERT_TRUE(second.ok()) << error_text(second);
  EXPECT_TRUE(f.client().fresh_connection());
}

TEST(Client, DoesNotTakeLeftoversForTheNextAnswer) {
  Fixture f({[](Peer& peer) {
               peer.read_request();
               peer.send(plain_answer(kOne, 1) + "HTTP/1.1 ");
               if (!peer.read_request().empty()) peer.send(plain_answer(kOne, 666));
             },
             always(plain_answer(kOne, 2))});
  EXPECT_EQ(f.ask()->index, 1u);
  auto second = f.ask();
  ASSERT_TRUE(second.ok()) << error_text(second);
  EXPECT_EQ(second->index, 2u);
}

TEST(Client, ReadsABodyThatEndsWithTheStream) {
  Fixture f({once("HTTP/1.1 200 OK\r\nX-Consul-Index: 3\r\n\r\n" + kOne)});
  auto answer = f.ask();
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  EXPECT_EQ(answer->pairs.pairs().size(), 1u);
}

TEST(Client, AsksAgainWhenTheIdleConnectionWasClosed) {
  Fixture f({once(plain_answer(kOne, 1)), always(plain_answer(kOne, 2))});
  ASSERT_TRUE(f.ask().ok());
  auto second = f.ask();
  ASSERT_TRUE(second.ok()) << error_text(second);
  EXPECT_EQ(second->index, 2u);
  EXPECT_TRUE(f.client().fresh_connection());
}

TEST(Client, ABlockingQueryFailsWhenTheIdleConnectionWasClosed) {
  Fixture f({once(plain_answer(kOne, 1)), always(plain_answer(kOne, 2))});
  ASSERT_TRUE(f.ask().ok());
  auto second = f.ask(blocking_query(1, 10s));
  ASSERT_FALSE(second.ok()) << "its index belongs to a connection that is gone";
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(f.ask().ok());
}

TEST(Client, DoesNotAskAgainOnAFreshConnection) {
  Fixture f({[](Peer& peer) { peer.read_request(); }, always(plain_answer(kOne, 2))});
  auto answer = f.ask();
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(error_text(answer).find("http_max_conns_per_client"), std::string::npos) << error_text(answer);
}

TEST(Client, RefusesAnswersThatEndEarly) {
  const std::string plain = plain_answer(kOne, 1);
  const std::string chunked = chunked_answer({kOne}, 1);
  for (const std::string& whole : {plain, chunked}) {
    for (std::size_t size = 1; size < whole.size(); size += 7) {
      Fixture f({once(whole.substr(0, size))});
      auto answer = f.ask();
      ASSERT_FALSE(answer.ok()) << size;
      EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << error_text(answer);
    }
  }
}

TEST(Client, SurvivesAReset) {
  Fixture f({[](Peer& peer) {
               peer.read_request();
               peer.send("HTTP/1.1 200 OK\r\nContent-Le");
               peer.reset();
             },
             always(plain_answer(kOne, 2))});
  EXPECT_FALSE(f.ask().ok());
  EXPECT_TRUE(f.ask().ok());
}

TEST(Client, RefusesWhatIsNotHttpOrNotJson) {
  const auto text_of = [](const std::string& bytes) {
    Fixture f({once(bytes)});
    return error_text(f.ask());
  };
  EXPECT_NE(text_of("SSH-2.0-OpenSSH_9.2\r\n").find("not HTTP"), std::string::npos);
  EXPECT_NE(text_of(plain_answer("<html>hello</html>", 1)).find("expected a list"), std::string::npos);
  const std::string gzipped = plain_answer("\x1f\x8b\x08", 1, "200 OK", "Content-Encoding: gzip\r\n");
  EXPECT_NE(text_of(gzipped).find("compressed"), std::string::npos);
  const std::string huge = "HTTP/1.1 200 OK\r\nX-Large: " + std::string(70'000, 'x') + "\r\n\r\n";
  EXPECT_NE(text_of(huge).find("header is larger"), std::string::npos) << text_of(huge);
  EXPECT_NE(text_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").find("not HTTP"),
            std::string::npos);
}

TEST(Client, BoundsTheBody) {
  const std::string large = "[" + std::string(2000, ' ') + "]";
  for (const std::string& bytes : {plain_answer(large, 1), chunked_answer({large}, 1)}) {
    Fixture f({once(bytes)});
    f.settings.max_body_bytes = 1000;
    auto answer = f.ask();
    ASSERT_FALSE(answer.ok());
    EXPECT_NE(error_text(answer).find("max_body_bytes (1000)"), std::string::npos) << error_text(answer);
  }
}

TEST(Client, ReadsALargeBody) {
  // 64 MB of one key's value for each half megabyte, as large as Consul lets them be.
  const std::string value = encode_base64(std::string(512 * 1024, '\xa5'));
  std::vector<std::string> chunks = {"["};
  constexpr int kKeys = 96;
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = "k" + std::to_string(100 + i);
    chunks.push_back((i > 0 ? ",{\"Key\":\"" : "{\"Key\":\"") + key + R"(","Value":")" + value +
                     R"(","ModifyIndex":1})");
  }
  chunks.push_back("]");
  Fixture f({once(chunked_answer(chunks, 5))});
  auto answer = f.ask();
  ASSERT_TRUE(answer.ok()) << error_text(answer);
  ASSERT_EQ(answer->pairs.pairs().size(), static_cast<std::size_t>(kKeys));
  EXPECT_EQ(answer->pairs.pairs()[kKeys - 1].value, std::string(512 * 1024, '\xa5'));
}

TEST(Client, GivesUpOnABlockingQueryAfterItsWaitAndGrace) {
  Fixture f({[](Peer& peer) {
    peer.read_request();
    peer.wait_for_end();
  }});
  f.settings.grace = 40ms;
  const auto start = std::chrono::steady_clock::now();
  auto answer = f.ask(blocking_query(5, 160ms));
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kTimeout) << error_text(answer);
  EXPECT_GE(took, 210ms) << "wait + wait/16 + grace";
  EXPECT_LT(took, 5s) << "a blocking query does not wait as long as others";
  EXPECT_NE(f.server.requests()[0].find("index=5&wait=160ms"), std::string::npos);
}

TEST(Client, GivesUpOnASilentServerAndOnAPauseInTheBody) {
  for (const char* start :
       {"", "HTTP/1.1 200 OK\r\nX-Cons", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[ "}) {
    Fixture f({[start](Peer& peer) {
      peer.read_request();
      peer.send(start);
      peer.wait_for_end();
    }});
    f.settings.grace = 0ms;
    f.limits.answer = 60ms;
    f.limits.pause = 60ms;
    auto answer = f.ask();
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kTimeout) << error_text(answer);
  }
}

TEST(Client, ABodyMayTakeLongerThanTheAnswerButNotForEver) {
  // Each piece comes at once after the one before; the whole outlives only the overall bound.
  Fixture f({[](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    // Ends when the client has given up.
    while (peer.send("1\r\n \r\n")) {
    }
  }});
  f.limits.body = 150ms;
  f.settings.max_body_bytes = std::uint64_t{1} << 40;
  const auto start = std::chrono::steady_clock::now();
  auto answer = f.ask();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kTimeout) << error_text(answer);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 150ms);
}

TEST(Client, SaysThatNobodyListens) {
  settings::Consul settings;
  {
    ScriptedServer gone({always("")});
    settings.address = gone.address();
  }
  asio::io_context io;
  Client client(io, settings);
  auto answer = ask(io, client, prefix_query());
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(error_text(answer).find("connection refused by http://127.0.0.1:"), std::string::npos)
      << error_text(answer);
}

TEST(Client, KnowsAnAddressOfThisMachine) {
  asio::io_context io;
  settings::Consul settings;
  for (const char* address : {"127.0.0.1:8500", "http://localhost", "unix:///run/consul.sock"}) {
    settings.address = address;
    EXPECT_TRUE(Client(io, settings).is_local()) << address;
  }
  for (const char* address : {"consul.example:8500", "192.0.2.7:8500", "ftp://127.0.0.1"}) {
    settings.address = address;
    EXPECT_FALSE(Client(io, settings).is_local()) << address;
  }
}

TEST(Client, ReportsABadAddressAndABadTokenFile) {
  asio::io_context io;
  settings::Consul settings;
  settings.address = "ftp://x";
  Client client(io, settings);
  EXPECT_EQ(ask(io, client, prefix_query()).error().code, ErrorCode::kInvalid);
  settings.address = "127.0.0.1:1";
  settings.token_file = "/nonexistent/token";
  Client other(io, settings);
  EXPECT_NE(error_text(ask(io, other, prefix_query())).find("/nonexistent/token"), std::string::npos);
}

TEST(Client, SpeaksOverAUnixSocket) {
  std::string directory = std::filesystem::temp_directory_path() / "shmconf-client-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  settings::Consul settings;
  settings.address = "unix://" + directory + "/http.sock";
  asio::io_context io;
  Client client(io, settings);
  auto none = ask(io, client, prefix_query());
  EXPECT_NE(error_text(none).find("connection refused by unix://"), std::string::npos) << error_text(none);
  {
    ScriptedServer server(directory + "/http.sock", {always(plain_answer(kOne, 8))});
    auto answer = ask(io, client, prefix_query());
    ASSERT_TRUE(answer.ok()) << error_text(answer);
    EXPECT_EQ(answer->index, 8u);
    client.close();
  }
  std::filesystem::remove_all(directory);
}

TEST(Client, CloseEndsAnOutstandingQueryAndTheNextOneReconnects) {
  Fixture f({[](Peer& peer) {
               peer.read_request();
               peer.wait_for_end();
             },
             always(plain_answer(kOne, 2))});
  std::optional<Result<Answer>> first;
  asio::co_spawn(
      f.io,
      [&]() -> asio::awaitable<void> {
        first.emplace(co_await f.client().query(blocking_query(1, 30s)));
      },
      asio::detached);
  while (f.server.requests().empty()) f.io.run_one_for(5ms);
  f.client().close();
  f.io.run();
  ASSERT_TRUE(first);
  EXPECT_NE(error_text(*first).find("client was closed"), std::string::npos) << error_text(*first);
  EXPECT_TRUE(f.ask().ok());
}

TEST(Client, MayEndBeforeItsQuery) {
  Fixture f({[](Peer& peer) {
    peer.read_request();
    peer.wait_for_end();
  }});
  std::optional<Result<Answer>> answer;
  asio::co_spawn(
      f.io,
      [&]() -> asio::awaitable<void> {
        auto query = f.client().query(blocking_query(1, 30s));
        asio::post(f.io, [&f] { f.made.reset(); });
        answer.emplace(co_await std::move(query));
      },
      asio::detached);
  f.io.run();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->ok());
}

TEST(Client, AnIoContextMayEndDuringAQuery) {
  ScriptedServer server({[](Peer& peer) {
    peer.read_request();
    peer.wait_for_end();
  }});
  auto io = std::make_unique<asio::io_context>();
  auto client = std::make_unique<Client>(*io, settings_for(server));
  asio::co_spawn(
      *io, [&]() -> asio::awaitable<void> { (void)co_await client->query(blocking_query(1, 30s)); },
      asio::detached);
  while (server.requests().empty()) io->run_one_for(5ms);
  client.reset();
  io.reset();
}

}  // namespace
}  // namespace shmconf::consul
