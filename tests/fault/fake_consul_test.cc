// The fake Consul: sound without a script, and wrong in exactly the way that a script asks for.
#include "fakes/fake_consul.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>

#include "harness/eventually.h"

namespace shmconf::fakes {
namespace {

using harness::HttpConnection;
using harness::HttpResponse;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

class FakeConsulTest : public ::testing::Test {
 protected:
  HttpResponse get(const std::string& target, milliseconds limit = seconds(10)) {
    return harness::http_request("127.0.0.1", fake_.port(), "GET", target, {}, {}, limit);
  }
  std::future<HttpResponse> get_later(const std::string& target) {
    const auto before = fake_.requests().size();
    auto pending = std::async(std::launch::async, [this, target] { return get(target); });
    EXPECT_TRUE(fake_.wait_for_requests(before + 1));
    return pending;
  }

  FakeConsul fake_;
};

TEST_F(FakeConsulTest, WithoutAScriptItIsConsul) {
  auto kv = fake_.kv();
  EXPECT_EQ(kv.get("a").status, 404);
  EXPECT_TRUE(kv.put("a", std::string(5000, 'v')));
  EXPECT_EQ(kv.get("a").header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(kv.get("a", "raw").body, std::string(5000, 'v'));
  EXPECT_TRUE(kv.put_together({{"t/1", "x"}, {"t/2", "y"}}));
  EXPECT_EQ(fake_.connections_accepted(), 1U);
  EXPECT_EQ(fake_.connections_open(), 1U);
  const auto index = kv.get("t/", "recurse").index().value_or(0);
  auto pending = get_later("/v1/kv/t/?recurse&wait=8s&index=" + std::to_string(index));
  fake_.put("t/1", "woken");
  const auto woken = pending.get();
  EXPECT_EQ(woken.status, 200);
  EXPECT_GT(woken.index(), index);
  EXPECT_NE(woken.body.find(harness::base64("woken")), std::string::npos);
  const auto begin = Clock::now();
  EXPECT_EQ(get("/v1/kv/t/?recurse&wait=100ms&index=" + std::to_string(*woken.index())).index(),
            woken.index());
  EXPECT_GE(Clock::now() - begin, milliseconds(100));
}

TEST_F(FakeConsulTest, RecordsWhatItWasAsked) {
  HttpConnection connection("127.0.0.1", fake_.port());
  connection.request("GET", "/v1/kv/a?recurse", {}, {{"X-Consul-Token", "t0"}});
  connection.request("PUT", "/v1/kv/b", "v");
  get("/v1/kv/c");
  const auto requests = fake_.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].target, "/v1/kv/a?recurse");
  EXPECT_EQ(requests[0].header("x-consul-token"), "t0");
  EXPECT_EQ(requests[1].method, "PUT");
  EXPECT_FALSE(requests[1].header("X-Consul-Token"));
  EXPECT_EQ(requests[1].connection, 1U);
  EXPECT_EQ(requests[2].connection, 2U);
  fake_.forget_requests();
  EXPECT_TRUE(fake_.requests().empty());
}

TEST_F(FakeConsulTest, FaultsMeetTheRequestsThatTheyAreFor) {
  fake_.put("a", "v");
  fake_.script(faults::denied().on("GET /v1/kv/a").repeated(2));
  fake_.script(faults::no_leader());
  fake_.script(faults::lost_server().on("/v1/kv/never").repeated());
  EXPECT_EQ(fake_.faults_left(), 4U);
  EXPECT_EQ(get("/v1/kv/a").body, "Permission denied");
  EXPECT_EQ(get("/v1/kv/b").body, "No cluster leader");
  EXPECT_EQ(get("/v1/kv/b").status, 404);
  EXPECT_EQ(get("/v1/kv/a").status, 403);
  EXPECT_EQ(get("/v1/kv/a").status, 200);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/v1/kv/never").status, 500);
  EXPECT_EQ(fake_.faults_left(), 1U);
  fake_.clear_faults();
  EXPECT_EQ(get("/v1/kv/never").status, 404);
}

TEST_F(FakeConsulTest, StatusesAndBodiesAreTheRealOnes) {
  fake_.put("p/1", "v");
  const auto answer = [&](const Fault& fault) {
    fake_.script(fault);
    return get("/v1/kv/p/?recurse");
  };
  EXPECT_EQ(answer(faults::unknown_token()).body, "ACL not found");
  EXPECT_EQ(answer(faults::rate_limited()).status, 429);
  EXPECT_FALSE(answer(faults::lost_server()).index());
  const auto hidden = answer(faults::hidden());
  EXPECT_EQ(hidden.status, 404);
  EXPECT_TRUE(hidden.index());
  EXPECT_EQ(hidden.body, "");
  const auto moved = answer(faults::redirect("/elsewhere"));
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.header("Location"), "/elsewhere");
  EXPECT_EQ(answer(faults::empty_list()).body, "[]");
  EXPECT_EQ(answer(faults::not_json()).body[0], '<');
  EXPECT_EQ(answer(faults::status(503, "busy")).body, "busy");
}

TEST_F(FakeConsulTest, HeadersCanBeMissingWrongOrOdd) {
  fake_.put("k", "v");
  const auto answer = [&](const Fault& fault) {
    fake_.script(fault);
    return get("/v1/kv/k");
  };
  EXPECT_FALSE(answer(faults::without_header("x-consul-index")).header("X-Consul-Index"));
  EXPECT_EQ(answer(faults::index("0")).index(), 0U);
  EXPECT_EQ(answer(faults::index("18446744073709551615")).index(), ~std::uint64_t{0});
  EXPECT_EQ(answer(faults::index("x")).header("X-Consul-Index"), "x");
  EXPECT_EQ(answer(faults::with_header("X-Consul-KnownLeader", "false")).header("X-Consul-Knownleader"),
            "false");
  EXPECT_NE(answer(faults::upper_case_headers()).head.find("\r\nX-CONSUL-INDEX: "), std::string::npos);
}

TEST_F(FakeConsulTest, ABlockingQueryCanReturnEarlyWithTheVeryIndexThatItAskedFor) {
  fake_.put("k", "v");
  const auto index = get("/v1/kv/k").index().value_or(0);
  fake_.script(faults::index(std::to_string(index)).early());
  const auto begin = Clock::now();
  EXPECT_EQ(get("/v1/kv/k?wait=8s&index=" + std::to_string(index)).index(), index);
  EXPECT_LT(Clock::now() - begin, seconds(4));
}

TEST_F(FakeConsulTest, BodiesCanBeHugeGzippedOrCut) {
  fake_.put("k", "v");
  constexpr std::size_t kBytes = 8 * 1024 * 1024;
  fake_.script(faults::padded_to(kBytes));
  const auto huge = get("/v1/kv/k");
  EXPECT_EQ(huge.body.size(), kBytes);
  EXPECT_EQ(huge.body.substr(kBytes - 3), " ]\n");
  fake_.script(faults::gzipped());
  const auto zipped = get("/v1/kv/k");
  EXPECT_EQ(zipped.header("Content-Encoding"), "gzip");
  EXPECT_EQ(zipped.body.substr(0, 3), "\x1f\x8b\x08");
  EXPECT_NE(zipped.body.find("\"Key\": \"k\""), std::string::npos);
  fake_.script(faults::truncated());
  const auto cut = get("/v1/kv/k");
  EXPECT_EQ(cut.status, 0);
  EXPECT_EQ(cut.error, "end of stream");
  EXPECT_GT(cut.body.size(), 20U);
}

TEST_F(FakeConsulTest, ConnectionsEndAfterAnyNumberOfBytes) {
  fake_.put("k", "v");
  const auto whole = get("/v1/kv/k");
  const std::size_t length = whole.head.size() + whole.body.size();
  for (const std::size_t bytes : std::vector<std::size_t>{0, 1, 20, whole.head.size(), length - 1}) {
    fake_.script(faults::closed_after(bytes));
    const auto closed = get("/v1/kv/k");
    EXPECT_EQ(closed.status, 0) << bytes;
    EXPECT_EQ(closed.error, "end of stream") << bytes;
    fake_.script(faults::reset_after(bytes));
    const auto reset = get("/v1/kv/k");
    EXPECT_EQ(reset.status, 0) << bytes;
    EXPECT_NE(reset.error.find("reset"), std::string::npos) << bytes << ": " << reset.error;
  }
  fake_.script(faults::raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
  EXPECT_EQ(get("/v1/kv/k").body, "hi");
}

TEST_F(FakeConsulTest, AnswersCanBeLateSlowOrNeverCome) {
  fake_.put("k", "v");
  auto begin = Clock::now();
  fake_.script(faults::delayed(milliseconds(150)));
  EXPECT_EQ(get("/v1/kv/k").status, 200);
  EXPECT_GE(Clock::now() - begin, milliseconds(150));
  begin = Clock::now();
  fake_.script(faults::trickled(40, milliseconds(20)));
  EXPECT_EQ(get("/v1/kv/k").status, 200);
  EXPECT_GE(Clock::now() - begin, milliseconds(100));
  fake_.script(faults::silent());
  EXPECT_EQ(get("/v1/kv/k", milliseconds(100)).error, "nothing received for 100 ms");
  EXPECT_TRUE(harness::eventually([&] { return fake_.connections_open() == 0; }))
      << "notices that the client left";
}

TEST_F(FakeConsulTest, CanGoAwayAndComeBack) {
  fake_.put("k", "v");
  auto blocked = get_later("/v1/kv/k?wait=8s&index=" + std::to_string(get("/v1/kv/k").index().value_or(0)));
  fake_.cut_connections();
  EXPECT_NE(blocked.get().error.find("reset"), std::string::npos);
  EXPECT_EQ(get("/v1/kv/k").status, 200);
  fake_.refuse();
  EXPECT_NE(get("/v1/kv/k").error.find("refused"), std::string::npos);
  fake_.accept_again();
  EXPECT_EQ(get("/v1/kv/k", seconds(5)).status, 200);
}

TEST_F(FakeConsulTest, CanLoseItsDataUnderABlockedQuery) {
  for (int i = 0; i < 10; ++i) fake_.put("k", std::to_string(i));
  const auto index = get("/v1/kv/k").index().value_or(0);
  auto blocked = get_later("/v1/kv/k?wait=400ms&index=" + std::to_string(index));
  const auto begin = Clock::now();
  fake_.write([](dev::KvStore& store) { store = dev::KvStore(); });
  fake_.put("k", "after");
  const auto response = blocked.get();
  EXPECT_GE(Clock::now() - begin, milliseconds(200)) << "the lower index wakes nobody";
  EXPECT_LT(response.index(), index);
}

TEST_F(FakeConsulTest, EndsWithQueriesStillBlocked) {
  auto fake = std::make_unique<FakeConsul>();
  const auto port = fake->port();
  fake->put("k", "v");
  fake->script(faults::silent().on("silent"));
  const auto ask = [port](const std::string& target) {
    return std::async(std::launch::async,
                      [port, target] { return harness::http_request("127.0.0.1", port, "GET", target); });
  };
  auto blocked = ask("/v1/kv/k?wait=60s&index=1000");
  auto silent = ask("/v1/kv/silent");
  ASSERT_TRUE(fake->wait_for_requests(2));
  const auto begin = Clock::now();
  fake.reset();
  EXPECT_LT(Clock::now() - begin, seconds(5));
  EXPECT_EQ(blocked.get().status, 0);
  EXPECT_EQ(silent.get().status, 0);
}

}  // namespace
}  // namespace shmconf::fakes
