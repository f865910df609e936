// HttpConnection: a small blocking HTTP/1.1 client on a raw socket, for tests only, so that what is
// under test is never tested with itself. Plain TCP, IPv4.
//
// Not thread-safe, except interrupt(). One connection, kept alive between requests and opened again
// when the peer has closed it.
#ifndef SHMCONF_TESTS_HARNESS_HTTP_H_
#define SHMCONF_TESTS_HARNESS_HTTP_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shmconf::harness {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse {
  int status = 0;     // 0: no complete answer; error says why
  std::string error;  // empty when the answer is complete
  Headers headers;    // as received
  std::string body;   // without the chunk framing
  std::string head;   // status line and headers, raw

  [[nodiscard]] bool complete() const noexcept { return error.empty(); }
  // The first header of that name in any case; nullopt when there is none.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  // X-Consul-Index; nullopt when missing or no number.
  [[nodiscard]] std::optional<std::uint64_t> index() const;
};

class HttpConnection {
 public:
  HttpConnection(std::string address, std::uint16_t port);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  // Blocks until the whole answer is there, or nothing came for limit. A Host header is added.
  HttpResponse request(const std::string& method, const std::string& target, const std::string& body = {},
                       const Headers& headers = {},
                       std::chrono::milliseconds limit = std::chrono::seconds(15));
  // Sends the bytes as they are and reads one answer.
  HttpResponse exchange(const std::string& bytes, bool head_only = false,
                        std::chrono::milliseconds limit = std::chrono::seconds(15));
  // From any thread: ends the request under way with an error.
  void interrupt() noexcept;
  void close() noexcept;
  // Whether the last request needed a new connection.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }

 private:
  bool open_connection(std::string& error);
  bool receive_more(std::string& error);
  void read_response(HttpResponse& response, bool head_only);
  bool read_body(HttpResponse& response);
  bool read_chunks(HttpResponse& response);
  bool take(std::size_t bytes, std::string& into, std::string& error);
  std::optional<std::string> take_line(std::string& error);

  std::string address_;
  std::uint16_t port_;
  std::atomic<int> fd_{-1};
  bool fresh_ = false;
  std::chrono::milliseconds limit_{0};
  std::string buffer_;      // received; bytes before position_ are consumed
  std::size_t position_ = 0;
};

// One request on a connection of its own.
HttpResponse http_request(const std::string& address, std::uint16_t port, const std::string& method,
                          const std::string& target, const std::string& body = {},
                          const Headers& headers = {},
                          std::chrono::milliseconds limit = std::chrono::seconds(15));

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_HTTP_H_
