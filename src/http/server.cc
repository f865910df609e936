#include "http/server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "http/rules.h"

namespace shmconf::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

// Errors come back as values: a connection that ends is an everyday event.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr std::chrono::milliseconds kPause{50};
// What a refused client still sends is read for a moment: closing a socket with unread bytes resets
// it, and a reset can overtake the reply.
constexpr std::chrono::milliseconds kDrain{500};
constexpr std::size_t kMostDrainedBytes = 64 * 1024;

// Nothing from elsewhere, nothing that runs but our own files, and nobody frames, caches or embeds it.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

template <typename Body>
void set_headers(wire::response<Body>& response, const Reply& reply) {
  response.version(11);
  response.result(reply.status);
  response.set(wire::field::content_type, reply.content_type);
  response.set("Content-Security-Policy", kPolicy);
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  response.set(wire::field::cache_control, "no-store");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  if (reply.status == 405) response.set(wire::field::allow, "GET, HEAD");
  if (reply.status == 503) response.set(wire::field::retry_after, "5");
}

// What is said of a request that cannot be read; nothing where nobody would hear it, or it was too late
// (then the stream is closed already).
std::optional<Reply> unreadable(const error_code& error) {
  if (error == wire::error::header_limit || error == wire::error::buffer_overflow) {
    return plain(431, "the request's header is too long", true);
  }
  if (error == wire::error::end_of_stream || error == wire::error::partial_message) return std::nullopt;
  if (error.category() != wire::make_error_code(wire::error::bad_method).category()) return std::nullopt;
  return plain(400, "this is no HTTP request", true);
}

Request request_of(const wire::request_parser<wire::empty_body>& parser) {
  const auto& message = parser.get();
  const auto length = parser.content_length();
  return {.method = message.method_string(),
          .target = message.target(),
          .host = message[wire::field::host],
          .hosts = message.count(wire::field::host),
          .has_body = parser.chunked() || (length && *length != 0) || message.count(wire::field::upgrade) != 0};
}

std::uint16_t bound_port(const Acceptor& acceptor, std::uint16_t asked) {
  error_code error;
  const auto local = acceptor.local_endpoint(error);
  asio::ip::tcp::endpoint tcp;
  if (error || local.size() > tcp.capacity()) return asked;
  std::memcpy(tcp.data(), local.data(), local.size());
  tcp.resize(local.size());
  return tcp.port();
}

// Stands in a list while it lives, however its coroutine ends; others may take it out before.
template <typename T>
class Listed {
 public:
  Listed(std::list<T*>& list, T& member) : list_(list), member_(member) { list_.push_back(&member_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() { list_.remove(&member_); }

 private:
  std::list<T*>& list_;
  T& member_;
};

}  // namespace

// Shared with its coroutines, which end some time after stop().
struct Server::State : std::enable_shared_from_this<Server::State> {
  struct Connection {
    Connection(Protocol::socket socket, std::size_t header_bytes) : stream(std::move(socket)), buffer(header_bytes) {}
    Stream stream;
    beast::flat_buffer buffer;
    bool displaced = false;  // another has its place: it ends with the answer to what has come already
  };

  // A stream of events and what it has yet to send.
  struct Listener {
    Listener(asio::io_context& io, Stream& to) : stream(to), wake(io) {}
    Stream& stream;
    std::deque<std::shared_ptr<const std::string>> queue;
    asio::steady_timer wake;
  };

  State(asio::io_context& context, int socket, settings::ListenAddress where, Site& behind, const Bounds& limits)
      : io(context),
        address(std::move(where)),
        site(behind),
        bounds(limits),
        acceptor(context, Protocol(address.is_unix() ? AF_UNIX : address.host.find(':') == std::string::npos ? AF_INET : AF_INET6, 0),
                 socket),
        pause(context) {
    if (!address.is_unix()) address.port = bound_port(acceptor, address.port);
  }

  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(Protocol::socket socket);
  asio::awaitable<bool> serve_one(Connection& connection);
  asio::awaitable<bool> read_header(Connection& connection, wire::request_parser<wire::empty_body>& parser);
  asio::awaitable<bool> send(Stream& stream, Reply reply, bool head_only, bool keep_alive);
  asio::awaitable<void> send_events(Stream& stream, const Reply& reply, bool head_only);
  asio::awaitable<void> drain(Stream& stream);
  bool make_room();
  void stop();

  asio::io_context& io;
  settings::ListenAddress address;
  Site& site;
  const Bounds bounds;
  Acceptor acceptor;
  asio::steady_timer pause;
  std::list<Connection*> connections;
  std::list<Connection*> idle;  // of them, those that wait for a request: the longest first
  std::list<Listener*> listeners;
  bool stopped = false;
};

asio::awaitable<void> Server::State::accept_all() {
  const auto self = shared_from_this();
  while (!stopped) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (stopped) co_return;
    if (error) {  // out of descriptors, most likely: let some be closed
      pause.expires_after(kPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    if (connections.size() >= bounds.connections && !make_room()) continue;
    asio::co_spawn(io, serve(std::move(socket)), asio::detached);
  }
}

// An idle connection may be closed at any time (RFC 9112, 9.5), so who has a question, a health check
// perhaps, is not kept out by those who have none. False: all are in the middle of a request. Or so many
// are still here that have no place any more: who asks at the moment of each new connection, and does not
// read the answer, would else have any number of them.
bool Server::State::make_room() {
  if (idle.empty() || connections.size() >= 2 * bounds.connections) return false;
  Connection& longest = *idle.front();
  idle.pop_front();
  longest.displaced = true;
  // Ends the read, unless a request has come at this very moment.
  error_code ignored;
  longest.stream.socket().shutdown(asio::socket_base::shutdown_receive, ignored);
  return true;
}

asio::awaitable<void> Server::State::serve(Protocol::socket socket) {
  const auto self = shared_from_this();
  Connection connection(std::move(socket), bounds.header_bytes);
  const Listed listed(connections, connection);
  error_code ignored;
  if (!address.is_unix()) connection.stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  while (!stopped && co_await serve_one(connection)) {
  }
  connection.stream.socket().shutdown(asio::socket_base::shutdown_both, ignored);
}

// False: it was refused, and the connection is over.
asio::awaitable<bool> Server::State::read_header(Connection& connection,
                                                 wire::request_parser<wire::empty_body>& parser) {
  Stream& stream = connection.stream;
  beast::flat_buffer& buffer = connection.buffer;
  parser.header_limit(bounds.header_bytes);
  if (buffer.size() == 0) {
    const Listed waiting(idle, connection);
    stream.expires_after(bounds.idle);
    auto [error, bytes] = co_await stream.async_read_some(buffer.prepare(bounds.header_bytes), kAwait);
    if (error) co_return false;
    buffer.commit(bytes);
  }
  stream.expires_after(bounds.header);
  auto [error, bytes] = co_await wire::async_read_header(stream, buffer, parser, kAwait);
  if (!error) co_return true;
  if (auto reply = unreadable(error)) co_await send(stream, std::move(*reply), false, false);
  co_return false;
}

// One request and its answer; false when the connection is over.
asio::awaitable<bool> Server::State::serve_one(Connection& connection) {
  wire::request_parser<wire::empty_body> parser;
  if (!co_await read_header(connection, parser)) co_return false;
  const Request request = request_of(parser);
  const bool head_only = request.method == "HEAD";
  const bool keep_alive = parser.get().keep_alive() && parser.get().version() >= 11 && !connection.displaced;
  auto refused = refuse(request, address);
  Reply reply = refused ? std::move(*refused) : site.answer(path_of(request.target));
  if (reply.events && listeners.size() >= bounds.streams) reply = plain(503, "too many streams of events", true);
  if (reply.events) {
    co_await send_events(connection.stream, reply, head_only);
    co_return false;
  }
  co_return co_await send(connection.stream, std::move(reply), head_only, keep_alive);
}

asio::awaitable<bool> Server::State::send(Stream& stream, Reply reply, bool head_only, bool keep_alive) {
  wire::response<wire::span_body<const char>> response;
  set_headers(response, reply);
  const bool close = reply.close || !keep_alive;
  response.keep_alive(!close);
  const std::string_view content = reply.content();
  response.body() = boost::beast::span<const char>(content.data(), content.size());
  response.content_length(content.size());
  wire::response_serializer<wire::span_body<const char>> serializer(response);
  stream.expires_after(bounds.write);
  error_code error;
  if (head_only) {
    auto [failed, bytes] = co_await wire::async_write_header(stream, serializer, kAwait);
    error = failed;
  } else {
    auto [failed, bytes] = co_await wire::async_write(stream, serializer, kAwait);
    error = failed;
  }
  if (!error && close) co_await drain(stream);
  co_return !error && !close;
}

asio::awaitable<void> Server::State::drain(Stream& stream) {
  error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream.expires_after(kDrain);
  std::array<char, 4096> unread{};
  for (std::size_t drained = 0; drained < kMostDrainedBytes;) {
    auto [error, bytes] = co_await stream.async_read_some(asio::buffer(unread), kAwait);
    if (error) co_return;
    drained += bytes;
  }
}

asio::awaitable<void> Server::State::send_events(Stream& stream, const Reply& reply, bool head_only) {
  wire::response<wire::empty_body> response;
  set_headers(response, reply);
  response.keep_alive(false);  // it ends with the connection
  wire::response_serializer<wire::empty_body> serializer(response);
  stream.expires_after(bounds.write);
  auto [failed, header_bytes] = co_await wire::async_write_header(stream, serializer, kAwait);
  if (failed || head_only) co_return;
  Listener listener(io, stream);
  const Listed listed(listeners, listener);
  listener.queue.push_back(std::make_shared<const std::string>(site.first_events()));
  while (!stopped && stream.socket().is_open()) {
    if (listener.queue.empty()) {
      listener.wake.expires_at(asio::steady_timer::time_point::max());
      co_await listener.wake.async_wait(kAwait);
      continue;
    }
    const auto events = std::move(listener.queue.front());
    listener.queue.pop_front();
    stream.expires_after(bounds.write);
    auto [error, bytes] = co_await asio::async_write(stream, asio::buffer(*events), kAwait);
    if (error) co_return;
  }
}

void Server::State::stop() {
  stopped = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (Listener* listener : listeners) listener->wake.cancel();
  for (Connection* connection : connections) connection->stream.close();
}

Server::Server(asio::io_context& io, env::Fd socket, settings::ListenAddress address, Site& site, const Bounds& bounds)
    : state_(std::make_shared<State>(io, socket.release(), std::move(address), site, bounds)) {
  asio::co_spawn(io, state_->accept_all(), asio::detached);
}

Server::~Server() { stop(); }

const settings::ListenAddress& Server::address() const noexcept { return state_->address; }

std::size_t Server::streams() const noexcept { return state_->listeners.size(); }

void Server::stop() { state_->stop(); }

void Server::broadcast(const std::string& events) {
  const auto shared = std::make_shared<const std::string>(events);
  for (State::Listener* listener : state_->listeners) {
    if (listener->queue.size() >= state_->bounds.queued_events) {
      listener->stream.close();
    } else {
      listener->queue.push_back(shared);
    }
    listener->wake.cancel();
  }
}

}  // namespace shmconf::http
