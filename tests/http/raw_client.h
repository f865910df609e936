// RawClient: one connection of a test, over TCP or a unix socket, that sends bytes as they are.
//
// Not thread-safe. Blocks, at most for the time given.
#ifndef SHMCONF_TESTS_HTTP_RAW_CLIENT_H_
#define SHMCONF_TESTS_HTTP_RAW_CLIENT_H_

#include <chrono>
#include <string>
#include <string_view>

#include "env/fd.h"
#include "settings/listen_address.h"

namespace shmconf::http {

class RawClient {
 public:
  // Connected, unless the test fails.
  explicit RawClient(const settings::ListenAddress& address);

  // False: the server has closed the connection.
  bool send(std::string_view bytes);
  // What has come, until it holds `wanted`, the server has closed, or nothing came for limit.
  std::string read_until(std::string_view wanted, std::chrono::milliseconds limit = std::chrono::seconds(20));
  // Everything up to the server's closing.
  std::string read_all(std::chrono::milliseconds limit = std::chrono::seconds(20));
  // Whether the server has closed, after a read.
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  // Sends no more; what is on its way can still be read.
  void finish_sending();

 private:
  env::Fd socket_;
  std::string text_;
  bool closed_ = false;
};

// One request on a connection of its own, and the whole answer.
std::string ask(const settings::ListenAddress& address, std::string_view bytes);
// The same, as a browser would ask for a path of this address.
std::string get(const settings::ListenAddress& address, const std::string& path);
// "127.0.0.1:8501", as a Host header.
std::string host_of(const settings::ListenAddress& address);
// 0: there is no status line.
int status_of(std::string_view answer);
std::string body_of(const std::string& answer);

}  // namespace shmconf::http

#endif  // SHMCONF_TESTS_HTTP_RAW_CLIENT_H_
