#include "consul/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "consul/tls.h"
#include "env/env.h"

namespace shmconf::consul {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

bool is_loss(const error_code& error) {
  return error == asio::error::eof || error == asio::error::connection_reset ||
         error == asio::error::broken_pipe || error == asio::error::connection_aborted ||
         error == asio::ssl::error::stream_truncated;
}

}  // namespace

// Closes the connection if the step during which it lives is not over at the deadline.
class Connection::Watchdog {
 public:
  Watchdog(Connection& connection, Deadline deadline) : connection_(connection) {
    connection.step_until_ = deadline;
    connection.watch();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() {
    connection_.step_until_.reset();
    if (!connection_.in_series_) connection_.stop_watching();
  }

 private:
  Connection& connection_;
};

// The timer runs until the earliest deadline of a series; a later step only looks at it again then.
void Connection::watch() {
  if (watching_until_ && *watching_until_ <= *step_until_) return;
  watching_until_ = step_until_;
  timer_.expires_at(*step_until_);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->watching_until_.reset();
    if (!self->step_until_) return;
    if (Clock::now() < *self->step_until_) return self->watch();
    self->timed_out_ = true;
    self->resolver_.cancel();
    error_code ignored;
    self->socket_.close(ignored);
  });
}

void Connection::stop_watching() noexcept {
  watching_until_.reset();
  timer_.cancel();
}

Connection::Series::Series(Connection& connection) : connection_(connection) { connection.in_series_ = true; }

Connection::Series::~Series() {
  connection_.in_series_ = false;
  connection_.stop_watching();
}

Connection::Connection(asio::io_context& io, const Address& address, const settings::Consul& settings,
                       Credentials& credentials)
    : address_(address), settings_(settings), credentials_(credentials), socket_(io), resolver_(io), timer_(io) {}

void Connection::close() noexcept {
  closed_ = true;
  resolver_.cancel();
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_both, ignored);
  socket_.close(ignored);
}

Error Connection::explain(const error_code& error, const std::string& what) {
  const std::string peer = address_.text();
  const bool refused = error == asio::error::connection_refused ||
                       (address_.scheme == Address::Scheme::kUnix &&
                        error == boost::system::errc::no_such_file_or_directory);
  lost_ = !timed_out_ && !closed_ && is_loss(error);
  if (timed_out_) return {ErrorCode::kTimeout, "timed out " + what + " " + peer};
  if (closed_) return {ErrorCode::kUnavailable, "given up " + what + " " + peer + ": the client was closed"};
  if (refused) {
    return {ErrorCode::kUnavailable,
            "connection refused by " + peer +
                ": check that Consul runs there and that consul.address is right"};
  }
  if (error == boost::system::errc::permission_denied) {
    return {ErrorCode::kDenied,
            "not permitted to connect to " + peer + ": check the socket's mode and group"};
  }
  if (tls_ && error.category() == asio::error::get_ssl_category()) {
    return tls_error(error, tls_->stream.native_handle(), peer);
  }
  const std::string why = lost_ ? "the connection was closed" : error.message();
  std::string hint;
  if (lost_ && !heard_ && tls_) {
    hint = " without an answer; " + silent_end_hint(tls_->stream.native_handle());
  } else if (lost_ && !heard_) {
    hint = " without an answer; an agent does so beyond its limits.http_max_conns_per_client";
  }
  if (error.category() == boost::system::system_category()) hint += env::remedy(error.value());
  return {ErrorCode::kUnavailable, what + " " + peer + ": " + why + hint};
}

asio::awaitable<Result<void>> Connection::open(Deadline deadline) {
  auto endpoints = co_await resolve(deadline);
  if (!endpoints) co_return std::move(endpoints).error();
  auto connected = co_await connect(*endpoints, deadline);
  if (!connected) co_return std::move(connected).error();
  if (address_.scheme == Address::Scheme::kHttps) co_return co_await handshake(deadline);
  co_return Result<void>();
}

asio::awaitable<Result<std::vector<Connection::Endpoint>>> Connection::resolve(Deadline deadline) {
  using asio::ip::tcp;
  std::vector<Endpoint> endpoints;
  if (address_.scheme == Address::Scheme::kUnix) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(address_.path));
    co_return endpoints;
  }
  error_code not_an_address;
  const auto literal = asio::ip::make_address(address_.host, not_an_address);
  if (!not_an_address) {
    endpoints.emplace_back(tcp::endpoint(literal, address_.port));
    co_return endpoints;
  }
  if (address_.host == "localhost") {
    // RFC 6761 fixes what it means; asking the resolver would cost a thread.
    endpoints.emplace_back(tcp::endpoint(asio::ip::address_v4::loopback(), address_.port));
    endpoints.emplace_back(tcp::endpoint(asio::ip::address_v6::loopback(), address_.port));
    co_return endpoints;
  }
  const Watchdog watchdog(*this, deadline);
  auto [error, results] =
      co_await resolver_.async_resolve(address_.host, std::to_string(address_.port), kAsTuple);
  if (error == asio::error::host_not_found || error == asio::error::no_data ||
      error == asio::error::host_not_found_try_again || error == asio::error::service_not_found) {
    co_return Error{ErrorCode::kUnavailable, "the name '" + address_.host + "' does not resolve (" +
                                                 error.message() +
                                                 "): check consul.address and this machine's DNS"};
  }
  if (error || closed_ || timed_out_) co_return explain(error, "resolving the name in");
  for (const auto& entry : results) endpoints.emplace_back(entry.endpoint());
  co_return endpoints;
}

asio::awaitable<Result<void>> Connection::connect(const std::vector<Endpoint>& endpoints, Deadline deadline) {
  Result<void> outcome = Error{ErrorCode::kUnavailable, "no address for " + address_.text()};
  for (std::size_t i = 0; i < endpoints.size() && !closed_; ++i) {
    // An address that swallows packets leaves the others their share of the time.
    const auto share = (deadline - Clock::now()) / static_cast<int>(endpoints.size() - i);
    timed_out_ = false;
    error_code error;
    socket_.close(error);
    socket_.open(endpoints[i].protocol(), error);
    if (error) {
      outcome = explain(error, "connecting to");
      continue;
    }
    const Watchdog watchdog(*this, Clock::now() + share);
    std::tie(error) = co_await socket_.async_connect(endpoints[i], kAsTuple);
    if (!error && !closed_ && !timed_out_) {
      error_code ignored;
      if (address_.scheme != Address::Scheme::kUnix) {
        socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
      }
      co_return Result<void>();
    }
    outcome = explain(error, "connecting to");
  }
  co_return outcome;
}

asio::awaitable<Result<void>> Connection::handshake(Deadline deadline) {
  auto context = credentials_.tls();
  if (!context) co_return std::move(context).error();
  tls_ = std::make_unique<TlsLayer>(socket_, std::move(*context));
  if (auto prepared = prepare_tls(tls_->stream.native_handle(), settings_.tls, address_.host); !prepared) {
    co_return std::move(prepared).error();
  }
  const Watchdog watchdog(*this, deadline);
  auto [error] = co_await tls_->stream.async_handshake(asio::ssl::stream_base::client, kAsTuple);
  if (error || closed_ || timed_out_) co_return explain(error, "TLS handshake with");
  co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::write(std::string_view bytes, Deadline deadline) {
  const Watchdog watchdog(*this, deadline);
  // What is sent holds the token.
  if (address_.scheme == Address::Scheme::kHttps && !tls_) co_return Error{ErrorCode::kSystem, "no TLS to send by"};
  const asio::const_buffer buffer(bytes.data(), bytes.size());
  error_code error;
  std::size_t written = 0;
  if (tls_) {
    std::tie(error, written) = co_await asio::async_write(tls_->stream, buffer, kAsTuple);
    if (is_loss(error) && !closed_ && !timed_out_) error = co_await last_words(error);
  } else {
    std::tie(error, written) = co_await asio::async_write(socket_, buffer, kAsTuple);
  }
  if (error || closed_ || timed_out_) co_return explain(error, "sending to");
  co_return Result<void>();
}

// A server that refuses our certificate says so before it resets the connection.
asio::awaitable<error_code> Connection::last_words(error_code error) {
  char ignored = 0;
  auto [reason, got] = co_await tls_->stream.async_read_some(asio::buffer(&ignored, 1), kAsTuple);
  co_return reason.category() == asio::error::get_ssl_category() ? reason : error;
}

asio::awaitable<Result<std::size_t>> Connection::read_some(asio::mutable_buffer space, Deadline deadline) {
  // A peer whose bytes are always there already would win against the timer each time.
  timed_out_ = Clock::now() >= deadline;
  if (timed_out_) co_return explain({}, "waiting for");
  const Watchdog watchdog(*this, deadline);
  error_code error;
  std::size_t got = 0;
  if (tls_) {
    std::tie(error, got) = co_await tls_->stream.async_read_some(space, kAsTuple);
  } else {
    std::tie(error, got) = co_await socket_.async_read_some(space, kAsTuple);
  }
  if (timed_out_ || closed_) co_return explain(error, "waiting for");
  if (error == asio::error::eof) {
    lost_ = true;
    if (!heard_) co_return explain(error, "waiting for");
    co_return std::size_t{0};
  }
  if (error) co_return explain(error, "waiting for");
  heard_ = true;
  co_return got;
}

}  // namespace shmconf::consul
