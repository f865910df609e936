#include "dev/endpoint.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/none.hpp>
#include <chrono>
#include <ctime>
#include <optional>
#include <random>
#include <set>
#include <string_view>
#include <utility>

#include "dev/kv_api.h"
#include "dev/seed.h"

namespace shmconf::dev {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// Errors come back as values: a connection that ends is an everyday event.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::uint32_t kMostHeaderBytes = 1024 * 1024;
constexpr std::size_t kChunkedAbove = 2048;  // what Go's server holds back to learn the length

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

http::response<http::string_body> render(Reply reply, unsigned version) {
  http::response<http::string_body> response;
  response.version(version);
  response.result(reply.status);
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  response.set(http::field::date, http_date());
  if (reply.close) response.set(http::field::connection, "close");
  const bool chunked = reply.json && reply.body.size() > kChunkedAbove && version >= 11;
  response.body() = std::move(reply.body);
  if (chunked) {
    response.chunked(true);
  } else {
    response.content_length(response.body().size());
  }
  return response;
}

Reply closing(unsigned status, const std::string& text) {
  Reply reply = KvApi::plain(status, text);
  reply.close = true;
  return reply;
}

// What Go's server says to a request that it cannot read; nothing when nobody is there to hear it.
std::optional<Reply> read_failure(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return closing(431, "431 Request Header Fields Too Large");
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return closing(400, "400 Bad Request");
  }
  return std::nullopt;
}

Result<tcp::endpoint> parse_listen(const std::string& listen) {
  const auto colon = listen.rfind(':');
  const Error bad{ErrorCode::kInvalid,
                  "'" + listen + "' is not HOST:PORT; give 127.0.0.1:8500, or port 0 for any"};
  if (colon == std::string::npos || colon + 1 == listen.size()) return bad;
  std::string host = listen.substr(0, colon);
  const std::string port = listen.substr(colon + 1);
  const bool number = port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoul(port) > 65535) return bad;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) return bad;
  if (!address.is_loopback()) {
    return Error{ErrorCode::kInvalid, "shmconf dev serves this machine only and refuses '" + listen +
                                          "'; give a loopback address such as 127.0.0.1:8500"};
  }
  return tcp::endpoint(address, static_cast<std::uint16_t>(std::stoul(port)));
}

}  // namespace

// Shared by the endpoint and its coroutines, which end some time after stop().
struct Endpoint::Server : std::enable_shared_from_this<Endpoint::Server> {
  Server(asio::io_context& context, const EndpointOptions& chosen)
      : acceptor(context),
        pause(context),
        api(store, {chosen.pretty ? Layout::kPretty : Layout::kCompact, chosen.datacenter}),
        max_connections(chosen.max_connections) {}

  asio::awaitable<void> accept_loop();
  asio::awaitable<void> serve(tcp::socket connection);
  asio::awaitable<bool> serve_one(tcp::socket& connection, boost::beast::flat_buffer& buffer);
  asio::awaitable<void> hold(Blocking blocking);
  asio::awaitable<bool> send(tcp::socket& connection, Reply reply, unsigned version, bool head_only);
  void stop();

  tcp::acceptor acceptor;
  asio::steady_timer pause;
  KvStore store;
  KvApi api;
  std::size_t max_connections;
  std::mt19937_64 random{std::random_device{}()};
  std::set<tcp::socket*> connections;
  std::set<asio::steady_timer*> holds;
  bool stopped = false;
};

asio::awaitable<void> Endpoint::Server::accept_loop() {
  const auto self = shared_from_this();
  while (!stopped) {
    auto [error, connection] = co_await acceptor.async_accept(kAwait);
    if (stopped) co_return;
    if (error) {  // out of descriptors, most likely: let some be closed
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    // As Consul with http_max_conns_per_client: accepted, then closed without a word.
    if (connections.size() >= max_connections) continue;
    asio::co_spawn(acceptor.get_executor(), serve(std::move(connection)), asio::detached);
  }
}

asio::awaitable<void> Endpoint::Server::serve(tcp::socket connection) {
  const auto self = shared_from_this();
  error_code ignored;
  connection.set_option(tcp::no_delay(true), ignored);
  connections.insert(&connection);
  boost::beast::flat_buffer buffer;
  while (!stopped && co_await serve_one(connection, buffer)) {
  }
  connections.erase(&connection);
  connection.shutdown(tcp::socket::shutdown_both, ignored);
}

// One request and its answer; false when the connection is over.
asio::awaitable<bool> Endpoint::Server::serve_one(tcp::socket& connection,
                                                  boost::beast::flat_buffer& buffer) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(kMostHeaderBytes);
  parser.body_limit(boost::none);  // judged below, where there is a reply for it
  auto [header_error, header_bytes] = co_await http::async_read_header(connection, buffer, parser, kAwait);
  if (header_error) {
    const auto reply = read_failure(header_error);
    if (reply) co_await send(connection, *reply, 11, false);
    co_return false;
  }
  const auto& message = parser.get();
  const unsigned version = message.version();
  const std::string target(message.target());
  if (version >= 11 && message.find(http::field::host) == message.end()) {
    co_await send(connection, closing(400, "400 Bad Request: missing required Host header"), version, false);
    co_return false;
  }
  const auto announced = parser.content_length();
  if (announced && *announced > kMostBodyBytes) {
    co_await send(connection, KvApi::too_large(*announced, target), version, false);
    co_return false;
  }
  if (message[http::field::expect] == "100-continue") {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(connection, asio::buffer(kContinue), kAwait);
  }
  parser.body_limit(kMostBodyBytes);
  auto [body_error, body_bytes] = co_await http::async_read(connection, buffer, parser, kAwait);
  if (body_error) {
    const bool too_long = body_error == http::error::body_limit;
    if (too_long) co_await send(connection, KvApi::too_large(kMostBodyBytes + 1, target), version, false);
    co_return false;
  }
  const bool keep_alive = message.keep_alive();
  Request request{std::string(message.method_string()), target, std::move(parser.get().body())};
  const auto blocking = api.must_wait(request);
  if (blocking) co_await hold(*blocking);
  if (stopped) co_return false;
  Reply reply = api.answer(request);
  reply.close = reply.close || !keep_alive;
  const bool close = reply.close;
  const bool sent = co_await send(connection, std::move(reply), version, request.method == "HEAD");
  co_return sent && !close;
}

// Until the store moves on, or the wait plus Consul's jitter of up to a sixteenth is over.
asio::awaitable<void> Endpoint::Server::hold(Blocking blocking) {
  std::uniform_int_distribution<std::int64_t> jitter(0, blocking.wait.count() / 16);
  const auto wait = blocking.wait + std::chrono::milliseconds(jitter(random));
  asio::steady_timer timer(acceptor.get_executor(), wait);
  holds.insert(&timer);
  const auto waiter = store.wait(blocking.watched, blocking.index, [&timer] { timer.cancel(); });
  co_await timer.async_wait(kAwait);
  store.forget(waiter);
  holds.erase(&timer);
}

asio::awaitable<bool> Endpoint::Server::send(tcp::socket& connection, Reply reply, unsigned version,
                                             bool head_only) {
  const bool close = reply.close;
  auto response = render(std::move(reply), version);
  http::response_serializer<http::string_body> serializer(response);
  error_code error;
  if (head_only) {
    auto [header_error, bytes] = co_await http::async_write_header(connection, serializer, kAwait);
    error = header_error;
  } else {
    auto [write_error, bytes] = co_await http::async_write(connection, serializer, kAwait);
    error = write_error;
  }
  if (!error && close) {
    // What the client is still sending is read for a moment: closing a socket with unread bytes
    // resets it, and a reset can overtake the reply.
    connection.shutdown(tcp::socket::shutdown_send, error);
    asio::steady_timer limit(connection.get_executor(), std::chrono::milliseconds(500));
    // The handler may already be queued when the draining ends, hence the flag.
    const auto drained_already = std::make_shared<bool>(false);
    limit.async_wait([&connection, drained_already](const error_code& cancelled) {
      error_code ignored;
      if (!cancelled && !*drained_already) connection.close(ignored);
    });
    char drained[16384];
    std::size_t left = 16 * 1024 * 1024;
    while (left > sizeof drained) {
      auto [drain_error, bytes] = co_await connection.async_read_some(asio::buffer(drained), kAwait);
      if (drain_error) break;
      left -= bytes;
    }
    *drained_already = true;
    co_return false;
  }
  co_return !error;
}

void Endpoint::Server::stop() {
  stopped = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (auto* timer : holds) timer->cancel();
  for (auto* connection : connections) connection->close(ignored);
}

Endpoint::Endpoint(std::shared_ptr<Server> server) : server_(std::move(server)) {
  const auto where = server_->acceptor.local_endpoint();
  port_ = where.port();
  std::string host = where.address().to_string();
  if (where.address().is_v6()) host = "[" + host + "]";
  url_ = "http://" + host + ":" + std::to_string(port_);
}

Endpoint::~Endpoint() { stop(); }

KvStore& Endpoint::store() { return server_->store; }

void Endpoint::stop() { server_->stop(); }

Result<std::unique_ptr<Endpoint>> run_endpoint(asio::io_context& io, const EndpointOptions& options) {
  const auto where = parse_listen(options.listen);
  if (!where) return where.error();
  auto server = std::make_shared<Endpoint::Server>(io, options);
  if (!options.seed_file.empty()) {
    if (auto seeded = seed_from_file(server->store, options.seed_file); !seeded) return seeded.error();
  }
  error_code error;
  auto& acceptor = server->acceptor;
  acceptor.open(where->protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*where, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error{ErrorCode::kUnavailable,
                 "cannot listen on " + options.listen + ": " + error.message() +
                     "; choose another port, or 0 for any"};
  }
  asio::co_spawn(io, server->accept_loop(), asio::detached);
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(server)));
}

}  // namespace shmconf::dev
