// Client: one kept-alive connection to Consul's KV API, and one query on it at a time.
//
// Belongs to the thread that runs the io_context. Opens the connection with the first query and again
// when it was lost. The client may end while a query is outstanding: that query then fails.
#ifndef SHMCONF_CONSUL_CLIENT_H_
#define SHMCONF_CONSUL_CLIENT_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "consul/credentials.h"
#include "consul/query.h"
#include "settings/settings.h"
#include "shmconf/result.h"

namespace shmconf::consul {

// What bounds an exchange beside the settings; tests shorten it.
struct Limits {
  std::chrono::milliseconds answer{10'000};  // from the request to the header, when not blocking
  std::chrono::milliseconds pause{10'000};   // between two pieces of an answer
  std::chrono::milliseconds body{600'000};   // from the header to the body's end
};

class Client {
 public:
  // Copies the settings. io must outlive the client. credentials: of these settings, to share; null: its own.
  Client(boost::asio::io_context& io, const settings::Consul& settings, const Limits& limits = Limits(),
         std::shared_ptr<Credentials> credentials = nullptr);
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) = delete;
  ~Client();

  // The answer, whatever its status (see status_error()), or why there is none: kTimeout at a
  // deadline, kDenied or kInvalid for what only the operator can mend, else kUnavailable or kNoSpace.
  // After a failure the connection is closed. When a kept connection turns out to have been closed
  // in the meantime, a query that does not block is asked once more on a new one; a blocking one
  // fails, since its index has to be forgotten. One query at a time.
  boost::asio::awaitable<Result<Answer>> query(Query query);

  // Closes the connection; an outstanding query fails. The next query opens a new one.
  void close();

  // Whether the last query ran, or tried to run, on a connection of its own making.
  [[nodiscard]] bool fresh_connection() const noexcept;
  // Whether Consul's address is certain to be one of this machine.
  [[nodiscard]] bool is_local() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_CLIENT_H_
