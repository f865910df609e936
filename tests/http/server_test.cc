// The server on a real socket: what it answers, and that nobody can hold it up.

#include "http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "harness/eventually.h"
#include "harness/temp_directory.h"
#include "http/raw_client.h"

namespace shmconf::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using harness::eventually;
using settings::ListenAddress;

constexpr std::size_t kLargeBytes = std::size_t{16} << 20;

class FixedSite final : public Site {
 public:
  Reply answer(std::string_view path) override {
    ++answers;
    if (path == "/") return plain(200, "hello");
    if (path == "/large") return plain(200, std::string(kLargeBytes, 'x'));
    if (path == "/events") return {.content_type = "text/event-stream", .events = true};
    return plain(404, "not found");
  }
  std::string first_events() override { return "event: first\ndata: 1\n\n"; }

  std::atomic<int> answers{0};
};

// A server with its io_context in a thread of its own.
class ServerTest : public ::testing::Test {
 protected:
  template <typename Act>
  auto on_its_thread(Act act) {
    std::packaged_task<decltype(act())()> task(std::move(act));
    auto done = task.get_future();
    asio::post(io_, [&task] { task(); });
    return done.get();
  }

  ~ServerTest() override {
    if (!thread_.joinable()) return;
    on_its_thread([this] { server_.reset(); });
    work_.reset();
    io_.stop();
    thread_.join();
  }

  void serve(const Bounds& bounds = {}, ListenAddress address = {.path = {}, .host = "127.0.0.1", .port = 0}) {
    auto socket = listen_at(address, "");
    ASSERT_TRUE(socket) << socket.error().text;
    server_ = std::make_unique<Server>(io_, std::move(*socket), std::move(address), site_, bounds);
    at_ = server_->address();
    thread_ = std::thread([this] { io_.run(); });
  }

  std::size_t streams() {
    return on_its_thread([this] { return server_->streams(); });
  }
  [[nodiscard]] std::string request(const std::string& path, const std::string& more = "") const {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host_of(at_) + "\r\n" + more + "\r\n";
  }
  // Whether it still serves others.
  [[nodiscard]] bool at_work() const { return status_of(get(at_, "/")) == 200; }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  FixedSite site_;
  std::unique_ptr<Server> server_;
  ListenAddress at_;
  std::thread thread_;
};

void expect_strict(const std::string& answer) {
  for (const char* header :
       {"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
        "X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n", "Cache-Control: no-store\r\n",
        "Cross-Origin-Resource-Policy: same-origin\r\n", "Content-Type: "}) {
    EXPECT_NE(answer.find(header), std::string::npos) << header << " in\n" << answer.substr(0, 600);
  }
}

TEST_F(ServerTest, AnswersGetAndHeadOnOneConnection) {
  serve();
  RawClient client(at_);
  client.send(request("/"));
  EXPECT_EQ(body_of(client.read_until("hello\n")), "hello\n");
  client.send("HEAD / HTTP/1.1\r\nHost: " + host_of(at_) + "\r\nConnection: close\r\n\r\n");
  const std::string both = client.read_all();
  const std::string head = both.substr(both.find("hello\n") + 6);
  EXPECT_EQ(status_of(head), 200);
  EXPECT_NE(head.find("Content-Length: 6\r\n"), std::string::npos);
  EXPECT_EQ(body_of(head), "");
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, RequestsThatFollowOneAnotherAreAnsweredInTurn) {
  serve();
  RawClient client(at_);
  client.send(request("/") + request("/nothing") + request("/", "Connection: close\r\n"));
  const std::string answers = client.read_all();
  const auto first = answers.find("200 OK"), second = answers.find("404 Not Found");
  EXPECT_LT(first, second);
  EXPECT_NE(answers.find("200 OK", second), std::string::npos);
}

TEST_F(ServerTest, BadRequestsAreRefusedWithStrictHeaders) {
  serve();
  const std::string host = "Host: " + host_of(at_) + "\r\n";
  struct Case {
    std::string bytes;
    int status;  // 0: closed without a word
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
      {"GET / HTTP/1.1\r\n\r\n", 421},
      {"GET / HTTP/1.0\r\n\r\n", 421},
      {"GET / HTTP/1.1\r\n" + host + "Host: evil.example\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", 405},
      {"DELETE / HTTP/1.1\r\n" + host + "\r\n", 405},
      {"get / HTTP/1.1\r\n" + host + "\r\n", 405},
      {"GET / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", 413},
      {"GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413},
      {"GET / HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 413},
      {"GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"GET http://" + host_of(at_) + "/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/9.9\r\n" + host + "\r\n", 400},
      {"GET /" + std::string(2000, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 414},
      {"GET / HTTP/1.1\r\n" + host + "X: " + std::string(10'000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(10'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 431},
      {"\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\n", 17) + host + "\r\n", 400},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello \r\n\r\n", 400},
      {"GET / HTTP/1.1\n" + host + "\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "Bad Header: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "\xff\xfe: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
  };
  for (const Case& c : cases) {
    const std::string answer = ask(at_, c.bytes);
    EXPECT_EQ(status_of(answer), c.status) << c.bytes.substr(0, 200);
    expect_strict(answer);
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << c.bytes.substr(0, 200);
    EXPECT_EQ(answer.find("Allow: GET, HEAD\r\n") != std::string::npos, c.status == 405);
  }
  EXPECT_EQ(site_.answers, 0) << "no refused request got as far as the site";
  EXPECT_TRUE(at_work());
}

// Requests with bytes changed, cut or doubled at random: each is answered or refused, none harms.
TEST_F(ServerTest, DamagedRequestsDoNoHarm) {
  serve();
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = request("/", "Accept: */*\r\nX-Y: z\r\nContent-Length: 0\r\n");
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.erase(at, 1 + random() % 8); break;
        case 2: bytes.insert(at, bytes.substr(at, random() % 32)); break;
        default: bytes.insert(at, 1, static_cast<char>(random())); break;
      }
      if (bytes.empty()) bytes = "\r\n";
    }
    RawClient client(at_);
    client.send(bytes);
    client.finish_sending();
    const std::string answer = client.read_all();
    EXPECT_TRUE(client.closed()) << bytes;
    EXPECT_TRUE(answer.empty() || status_of(answer) != 0) << bytes << "\nwas answered\n" << answer;
  }
  EXPECT_TRUE(at_work());
}

TEST_F(ServerTest, AHeaderThatDribblesInIsCutOff) {
  serve({.header = 300ms});
  RawClient client(at_);
  const auto start = std::chrono::steady_clock::now();
  client.send("GET / HTTP/1.1\r\n");
  const auto waiting = [&] { return std::chrono::steady_clock::now() - start < 20s; };
  while (waiting() && client.send("X: y\r\n") && client.read_until("\r\n\r\n", 20ms).empty()) {
  }
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(at_work());
}

TEST_F(ServerTest, AnIdleConnectionIsClosed) {
  serve({.idle = 100ms});
  RawClient before_any(at_);
  EXPECT_EQ(before_any.read_all(), "");
  EXPECT_TRUE(before_any.closed());
  RawClient after_one(at_);
  after_one.send(request("/"));
  EXPECT_EQ(status_of(after_one.read_all()), 200);
  EXPECT_TRUE(after_one.closed());
}

TEST_F(ServerTest, SilentClientsKeepNobodyOut) {
  serve();
  std::vector<std::unique_ptr<RawClient>> silent;
  for (std::size_t i = 0; i < Bounds().connections; ++i) silent.push_back(std::make_unique<RawClient>(at_));
  EXPECT_TRUE(at_work());
  EXPECT_EQ(silent.front()->read_all(), "");
  EXPECT_TRUE(silent.front()->closed()) << "it came first";
  silent.back()->send(request("/", "Connection: close\r\n"));
  EXPECT_EQ(status_of(silent.back()->read_all()), 200);
}

TEST_F(ServerTest, TheConnectionThatHasBeenIdleLongestMakesRoom) {
  serve({.connections = 2});
  RawClient first(at_), second(at_);
  const auto is_answered = [&](RawClient& client, const std::string& path, const std::string& end) {
    client.send(request(path));
    return client.read_until(end).ends_with(end);
  };
  ASSERT_TRUE(is_answered(first, "/", "hello\n"));
  ASSERT_TRUE(is_answered(second, "/", "hello\n"));
  ASSERT_TRUE(is_answered(first, "/nothing", "not found\n"));
  RawClient third(at_);
  EXPECT_TRUE(is_answered(third, "/", "hello\n"));
  second.read_all();
  EXPECT_TRUE(second.closed());
  first.send(request("/", "Connection: close\r\n"));
  EXPECT_TRUE(first.read_all().ends_with("hello\n"));
}

TEST_F(ServerTest, ARequestThatComesWhileItsConnectionMakesRoomIsAnswered) {
  serve({.connections = 2});
  RawClient before(at_), other(at_);
  for (RawClient* client : {&before, &other}) {  // when the other is answered, this one is idle
    client->send(request("/"));
    ASSERT_EQ(status_of(client->read_until("hello\n")), 200);
  }
  std::promise<void> go;
  asio::post(io_, [held = go.get_future().share()] { held.wait(); });
  RawClient newcomer(at_);
  newcomer.send(request("/"));
  before.send(request("/nothing") + request("/large"));
  go.set_value();
  const std::string answers = before.read_all();
  EXPECT_TRUE(answers.ends_with("not found\n")) << "one answer, and no second one";
  EXPECT_NE(answers.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(before.closed());
  EXPECT_EQ(status_of(newcomer.read_until("hello\n")), 200);
}

TEST_F(ServerTest, WhoAsksWhileMakingRoomGetsNoMoreThanAsManyPlacesAgain) {
  serve({.connections = 2});
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 2; ++i) {
    idle.push_back(std::make_unique<RawClient>(at_));
    idle.back()->send(request("/"));
    ASSERT_EQ(status_of(idle.back()->read_until("hello\n")), 200);
  }
  for (int i = 0; i < 2; ++i) {
    std::promise<void> go;
    asio::post(io_, [held = go.get_future().share()] { held.wait(); });
    idle.push_back(std::make_unique<RawClient>(at_));
    idle[static_cast<std::size_t>(i)]->send(request("/large"));  // whose answer nobody reads
    go.set_value();
    ASSERT_TRUE(eventually([&] { return site_.answers == 3 + i; }));
  }
  RawClient fifth(at_);
  EXPECT_EQ(fifth.read_all(), "");
  EXPECT_TRUE(fifth.closed());
  idle.back()->send(request("/", "Connection: close\r\n"));
  EXPECT_EQ(status_of(idle.back()->read_all()), 200);
}

TEST_F(ServerTest, NoMoreConnectionsThanAllowedWhileAllAreAtWork) {
  serve({.connections = 3, .header = 60s});
  auto half_a_request = std::make_unique<RawClient>(at_);
  half_a_request->send("GET / HTTP/1.1\r\n");
  RawClient slow_reader(at_);
  slow_reader.send(request("/large"));
  RawClient events(at_);
  events.send(request("/events"));
  ASSERT_NE(slow_reader.read_until("xxx").find("xxx"), std::string::npos);
  ASSERT_NE(events.read_until("data: 1").find("data: 1"), std::string::npos);
  RawClient fourth(at_);
  EXPECT_EQ(fourth.read_all(), "");
  EXPECT_TRUE(fourth.closed());
  half_a_request->send("Host: " + host_of(at_) + "\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(half_a_request->read_all()), 200);
  half_a_request.reset();
  EXPECT_TRUE(eventually([&] { return at_work(); })) << "one has ended";
}

TEST_F(ServerTest, AClientThatDoesNotReadIsCutOff) {
  serve({.connections = 1, .write = 200ms});
  RawClient client(at_);
  client.send(request("/large"));
  EXPECT_TRUE(eventually([&] { return at_work(); }, 20s, 50ms)) << "its place is free again";
  EXPECT_LT(client.read_all().size(), kLargeBytes);
}

TEST_F(ServerTest, EventsReachEveryStream) {
  serve();
  RawClient one(at_), other(at_);
  for (RawClient* client : {&one, &other}) {
    client->send(request("/events"));
    const std::string head = client->read_until("data: 1\n\n");
    EXPECT_EQ(status_of(head), 200);
    expect_strict(head);
    EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
  }
  on_its_thread([this] { server_->broadcast("event: state\ndata: 2\n\n"); });
  for (RawClient* client : {&one, &other}) EXPECT_TRUE(client->read_until("data: 2\n\n").ends_with("data: 2\n\n"));
  EXPECT_EQ(streams(), 2u);
  on_its_thread([this] { server_->stop(); });
  for (RawClient* client : {&one, &other}) {
    client->read_all();
    EXPECT_TRUE(client->closed());
  }
}

TEST_F(ServerTest, NoMoreStreamsThanAllowed) {
  serve({.streams = 1});
  RawClient first(at_);
  first.send(request("/events"));
  ASSERT_NE(first.read_until("data: 1").find("data: 1"), std::string::npos);
  const std::string refused = get(at_, "/events");
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);
  expect_strict(refused);
}

TEST_F(ServerTest, AStreamThatLagsIsCutOff) {
  serve({.write = 60s, .queued_events = 4});
  RawClient client(at_);
  client.send(request("/events"));
  ASSERT_NE(client.read_until("data: 1").find("data: 1"), std::string::npos);
  const std::string large(std::size_t{1} << 20, 'x');
  const auto cut_off = [&] {
    on_its_thread([&] { server_->broadcast(large); });
    return streams() == 0;
  };
  EXPECT_TRUE(eventually(cut_off)) << "once the kernel takes no more, and its queue is full";
}

TEST_F(ServerTest, OverAUnixSocketAnyHostWillDo) {
  harness::TempDirectory folder;
  serve({}, {.path = folder / "http", .host = {}, .port = 0});
  EXPECT_EQ(status_of(ask(at_, "GET / HTTP/1.1\r\nHost: whatever\r\nConnection: close\r\n\r\n")), 200);
  EXPECT_EQ(status_of(ask(at_, "GET / HTTP/1.0\r\n\r\n")), 200);
  EXPECT_EQ(status_of(ask(at_, "PUT / HTTP/1.1\r\nHost: x\r\n\r\n")), 405);
}

TEST_F(ServerTest, ServesOverIpv6) {
  serve({}, {.path = {}, .host = "::1", .port = 0});
  EXPECT_EQ(body_of(get(at_, "/")), "hello\n");
  EXPECT_EQ(status_of(ask(at_, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")), 421);
}

}  // namespace
}  // namespace shmconf::http
