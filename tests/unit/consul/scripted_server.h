// ScriptedServer: a server in a thread that plays raw bytes, one script for each connection.
//
// Listens on a free loopback port or a unix socket; refuses connections once its scripts are used up.
// The destructor ends whatever a script is waiting for.
#ifndef SHMCONF_TESTS_UNIT_CONSUL_SCRIPTED_SERVER_H_
#define SHMCONF_TESTS_UNIT_CONSUL_SCRIPTED_SERVER_H_

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "env/fd.h"

namespace shmconf::consul {

// The server's side of one connection.
class Peer {
 public:
  Peer(int fd, SSL* tls, std::vector<std::string>& requests, std::mutex& mutex)
      : fd_(fd), tls_(tls), requests_(requests), mutex_(mutex) {}

  // One request's header, blank line included; empty when the client has closed.
  std::string read_request();
  // False when the client has gone.
  bool send(std::string_view bytes);
  // Of TLS, by ALPN: this server prefers "h2", as Consul does. Empty: the client offered none.
  [[nodiscard]] std::string protocol() const;
  // Waits until the client closes.
  void wait_for_end();
  // Ends the connection with a reset instead of an end of stream.
  void reset();

 private:
  int fd_;
  SSL* tls_;
  std::vector<std::string>& requests_;
  std::mutex& mutex_;
  std::string unread_;
};

struct ServerTls {
  std::string certificate_file;
  std::string key_file;
  std::string client_ca_file;  // not empty: a client certificate is required
  bool only_tls_1_2 = false;
  bool only_tls_1_1 = false;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit ScriptedServer(std::vector<Script> scripts, std::optional<ServerTls> tls = std::nullopt);
  ScriptedServer(const std::string& unix_path, std::vector<Script> scripts);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  // "127.0.0.1:port".
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // What was read so far, in order.
  [[nodiscard]] std::vector<std::string> requests();

 private:
  void serve();
  void play(const Script& script, int fd);

  std::vector<Script> scripts_;
  std::optional<ServerTls> tls_;
  env::Fd listener_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;  // guards the members below
  std::vector<std::string> requests_;
  int current_ = -1;
  bool stopping_ = false;
  std::thread thread_;
};

// Complete responses, with the headers of a KV answer.
std::string plain_answer(std::string_view body, std::uint64_t index, std::string_view status = "200 OK",
                         std::string_view more_headers = "");
std::string chunked_answer(const std::vector<std::string>& chunks, std::uint64_t index);

}  // namespace shmconf::consul

#endif  // SHMCONF_TESTS_UNIT_CONSUL_SCRIPTED_SERVER_H_
