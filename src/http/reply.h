// Request and Reply: what a client asked for, and what it gets, apart from the connection.
//
// Plain values.
#ifndef SHMCONF_HTTP_REPLY_H_
#define SHMCONF_HTTP_REPLY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace shmconf::http {

struct Request {
  std::string_view method{};
  std::string_view target{};  // as it was sent
  std::string_view host{};    // of the header; empty: none
  std::size_t hosts = 0;      // how many such headers there were
  bool has_body = false;
};

struct Reply {
  unsigned status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  // of static storage
  std::string body{};
  std::shared_ptr<const std::string> shared{};  // the body instead, where one text answers many
  bool close = false;   // the connection ends with it
  bool events = false;  // no body, but the stream of events

  [[nodiscard]] std::string_view content() const noexcept { return shared ? *shared : body; }
};

// A line of text.
inline Reply plain(unsigned status, std::string line, bool close = false) {
  return {.status = status, .body = std::move(line) + "\n", .close = close};
}
inline Reply json(std::string body) {
  return {.content_type = "application/json; charset=utf-8", .body = std::move(body)};
}

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_REPLY_H_
