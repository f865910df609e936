// Server: HTTP/1.1 on one listening socket, with everything bounded.
//
// Belongs to the thread that runs the io_context. Answers one request at a time on each connection;
// what it does not understand, or what is not allowed (rules.h), it refuses. A client that is slow to
// send or to read, or idle, is cut off; an idle one at once, when its place is needed.
#ifndef SHMCONF_HTTP_SERVER_H_
#define SHMCONF_HTTP_SERVER_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "env/fd.h"
#include "http/reply.h"
#include "settings/listen_address.h"
#include "shmconf/result.h"

namespace shmconf::http {

struct Bounds {
  // One more takes the place of the one that was idle longest, or is closed; those that were displaced and
  // still answer are as many again at most.
  std::size_t connections = 64;
  std::size_t streams = 16;      // of events, among them
  std::uint32_t header_bytes = 8192;
  std::chrono::milliseconds header{5'000};  // from its first byte to its last
  std::chrono::milliseconds idle{30'000};   // before it
  std::chrono::milliseconds write{10'000};  // of a whole answer, or of one event
  std::size_t queued_events = 64;           // of one stream; a client that lags further is cut off
};

// What is behind it.
class Site {
 public:
  virtual ~Site() = default;
  // Of GET and HEAD. The path begins with a slash and is as it was sent.
  virtual Reply answer(std::string_view path) = 0;
  // What a new stream of events begins with.
  virtual std::string first_events() = 0;
};

class Server {
 public:
  // Listens on the socket, which was bound to the address. io and site outlive it.
  Server(boost::asio::io_context& io, env::Fd socket, settings::ListenAddress address, Site& site,
         const Bounds& bounds = Bounds());
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // With the port that is listened at.
  [[nodiscard]] const settings::ListenAddress& address() const noexcept;
  // Sends it to every stream.
  void broadcast(const std::string& events);
  [[nodiscard]] std::size_t streams() const noexcept;
  // Closes everything; its coroutines end soon.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Binds and listens. A unix socket is open to its owner, and to group if there is one; one that a dead
// process left is replaced. Errors: kUnavailable when somebody listens there; kDenied, kSystem.
Result<env::Fd> listen_at(const settings::ListenAddress& address, const std::string& group);

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_SERVER_H_
