// Endpoint: a Consul key-value server in memory on one loopback port, for development and tests.
//
// It runs on the io_context that it is given and needs no thread of its own; everything but port()
// and url() belongs on the thread that runs that io_context. It keeps nothing, knows no
// ACLs, and refuses any address but a loopback one. Requests are bounded: 1 MiB of header, Consul's
// 512 KiB of body, max_connections at once.
#ifndef SHMCONF_DEV_ENDPOINT_H_
#define SHMCONF_DEV_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "dev/kv_store.h"
#include "shmconf/result.h"

namespace boost::asio {
class io_context;
}

namespace shmconf::dev {

struct EndpointOptions {
  std::string listen = "127.0.0.1:8500";  // port 0: any free one
  std::string seed_file;                  // empty: starts with no keys
  std::string datacenter = "dc1";
  bool pretty = true;  // indents its JSON as `consul agent -dev` does
  std::size_t max_connections = 256;
};

class Endpoint {
 public:
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // The port that it listens on, and "http://127.0.0.1:PORT".
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  // What it serves. Writes through it wake blocking queries like any other.
  [[nodiscard]] KvStore& store();
  // Closes everything; the io_context runs out of this endpoint's work soon after.
  void stop();

 private:
  struct Server;
  friend Result<std::unique_ptr<Endpoint>> run_endpoint(boost::asio::io_context&, const EndpointOptions&);
  explicit Endpoint(std::shared_ptr<Server> server);

  std::shared_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::string url_;
};

// Listening when it returns; serves while io runs. kInvalid for an address that is not loopback or a
// bad seed; kUnavailable when the port is taken. io must outlive the endpoint.
Result<std::unique_ptr<Endpoint>> run_endpoint(boost::asio::io_context& io, const EndpointOptions& options);

}  // namespace shmconf::dev

#endif  // SHMCONF_DEV_ENDPOINT_H_
