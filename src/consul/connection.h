// Connection: one stream of bytes to Consul, over TCP, TLS or a unix socket, with a deadline for each step.
//
// For client.cc alone. Belongs to the thread that runs its io_context. Held by shared_ptr: a step in
// progress keeps a copy, so that close() and the owner's end are allowed at any time.
#ifndef SHMCONF_CONSUL_CONNECTION_H_
#define SHMCONF_CONSUL_CONNECTION_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consul/address.h"
#include "consul/credentials.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Deadline = Clock::time_point;

  // settings and credentials must outlive the connection.
  Connection(boost::asio::io_context& io, const Address& address, const settings::Consul& settings,
             Credentials& credentials);

  // Resolves, connects and shakes hands. Each fails with one line for the operator; kTimeout at the
  // deadline. After any failure the connection is closed. One step at a time.
  boost::asio::awaitable<Result<void>> open(Deadline deadline);
  boost::asio::awaitable<Result<void>> write(std::string_view bytes, Deadline deadline);
  // The number of bytes read, at least 1; 0 when the peer ended a stream on which it had sent something.
  boost::asio::awaitable<Result<std::size_t>> read_some(boost::asio::mutable_buffer space, Deadline deadline);

  // While one lives, steps that follow one another share a timer. The connection must outlive it.
  class Series {
   public:
    explicit Series(Connection& connection);
    Series(const Series&) = delete;
    Series& operator=(const Series&) = delete;
    ~Series();

   private:
    Connection& connection_;
  };

  // Ends the step in progress, which then fails. Sends the stream's end where the kernel still can.
  void close() noexcept;

  // About the last failure: the peer closed or reset an open stream.
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Endpoint = boost::asio::generic::stream_protocol::endpoint;
  struct TlsLayer {
    TlsLayer(Socket& socket, std::shared_ptr<TlsFiles::Context> made)
        : context(std::move(made)), stream(socket, *context) {}
    std::shared_ptr<TlsFiles::Context> context;
    boost::asio::ssl::stream<Socket&> stream;
  };
  class Watchdog;

  void watch();
  void stop_watching() noexcept;
  boost::asio::awaitable<Result<std::vector<Endpoint>>> resolve(Deadline deadline);
  boost::asio::awaitable<Result<void>> connect(const std::vector<Endpoint>& endpoints, Deadline deadline);
  boost::asio::awaitable<Result<void>> handshake(Deadline deadline);
  // Why the peer ended the stream, if it said so before; else the error as it is.
  boost::asio::awaitable<boost::system::error_code> last_words(boost::system::error_code error);
  // The error for a failed step; what names the step: "connecting to".
  Error explain(const boost::system::error_code& error, const std::string& what);

  const Address address_;
  const settings::Consul& settings_;
  Credentials& credentials_;
  Socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<TlsLayer> tls_;
  std::optional<Deadline> step_until_;      // of the step in progress
  std::optional<Deadline> watching_until_;  // what the timer is set to
  bool in_series_ = false;
  bool timed_out_ = false;
  bool closed_ = false;
  bool lost_ = false;
  bool heard_ = false;  // the peer sent something
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_CONNECTION_H_
