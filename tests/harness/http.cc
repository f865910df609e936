#include "harness/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace shmconf::harness {
namespace {

std::string errno_text(const char* what) { return std::string(what) + ": " + ::strerror(errno); }

template <typename Number>
std::optional<Number> parse_number(std::string_view text, int radix) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> HttpResponse::index() const {
  const auto text = header("X-Consul-Index");
  return text ? parse_number<std::uint64_t>(*text, 10) : std::nullopt;
}

HttpConnection::HttpConnection(std::string address, std::uint16_t port)
    : address_(std::move(address)), port_(port) {}

HttpConnection::~HttpConnection() { close(); }

void HttpConnection::close() noexcept {
  const int fd = fd_.exchange(-1);
  if (fd >= 0) ::close(fd);
  buffer_.clear();
  position_ = 0;
}

void HttpConnection::interrupt() noexcept {
  const int fd = fd_.load();
  if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
}

bool HttpConnection::open_connection(std::string& error) {
  // A peer that closed an idle connection shows as readable here; what it sent last is of no use.
  char peeked = 0;
  if (fd_ >= 0 && ::recv(fd_, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) close();
  fresh_ = fd_ < 0;
  if (!fresh_) return true;

  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port_);
  ::inet_pton(AF_INET, address_.c_str(), &where.sin_addr);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Also the time for connecting: a host that was cut off answers to nothing.
  const timeval limit{limit_.count() / 1000, limit_.count() % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    error = errno_text("connect");
    ::close(fd);
    return false;
  }
  buffer_.clear();
  position_ = 0;
  fd_ = fd;
  return true;
}

bool HttpConnection::receive_more(std::string& error) {
  pollfd ready{fd_, POLLIN, 0};
  const int polled = ::poll(&ready, 1, static_cast<int>(limit_.count()));
  if (polled == 0) error = "nothing received for " + std::to_string(limit_.count()) + " ms";
  if (polled < 0) error = errno_text("poll");
  if (polled <= 0) return false;

  buffer_.erase(0, position_);
  position_ = 0;
  constexpr std::size_t kStep = 256 * 1024;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kStep);
  const auto received = ::recv(fd_, buffer_.data() + before, kStep, 0);
  buffer_.resize(before + static_cast<std::size_t>(received > 0 ? received : 0));
  if (received == 0) error = "end of stream";
  if (received < 0) error = errno_text("recv");
  return received > 0;
}

bool HttpConnection::take(std::size_t bytes, std::string& into, std::string& error) {
  while (bytes > 0) {
    if (position_ == buffer_.size() && !receive_more(error)) return false;
    const std::size_t step = std::min(bytes, buffer_.size() - position_);
    into.append(buffer_, position_, step);
    position_ += step;
    bytes -= step;
  }
  return true;
}

std::optional<std::string> HttpConnection::take_line(std::string& error) {
  for (;;) {
    const auto end = buffer_.find('\n', position_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(position_, end - position_);
      position_ = end + 1;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    if (!receive_more(error)) return std::nullopt;
  }
}

bool HttpConnection::read_chunks(HttpResponse& response) {
  for (;;) {
    const auto size_line = take_line(response.error);
    if (!size_line) return false;
    const auto size =
        parse_number<std::size_t>(std::string_view(*size_line).substr(0, size_line->find(';')), 16);
    if (!size) {
      response.error = "bad chunk size: " + *size_line;
      return false;
    }
    if (!take(*size, response.body, response.error)) return false;
    const auto end = take_line(response.error);
    if (!end) return false;
    if (!end->empty()) {
      response.error = "chunk without its end";
      return false;
    }
    if (*size == 0) return true;
  }
}

bool HttpConnection::read_body(HttpResponse& response) {
  if (response.status == 204 || response.status == 304) return true;
  if (response.header("Transfer-Encoding") == "chunked") return read_chunks(response);
  if (const auto length = response.header("Content-Length")) {
    const auto bytes = parse_number<std::size_t>(*length, 10);
    if (!bytes) {
      response.error = "bad Content-Length: " + *length;
      return false;
    }
    return take(*bytes, response.body, response.error);
  }
  std::string until_end;
  while (receive_more(until_end)) {
  }
  response.body.append(buffer_, position_);
  position_ = buffer_.size();
  if (until_end != "end of stream") response.error = until_end;
  return response.complete();
}

void HttpConnection::read_response(HttpResponse& response, bool head_only) {
  const auto status_line = take_line(response.error);
  if (!status_line) return;
  response.head = *status_line + "\r\n";
  const auto status = status_line->size() >= 12 && status_line->starts_with("HTTP/1.")
                          ? parse_number<int>(std::string_view(*status_line).substr(9, 3), 10)
                          : std::nullopt;
  if (!status) {
    response.error = "not a status line: " + *status_line;
    return;
  }
  for (;;) {
    const auto line = take_line(response.error);
    if (!line) return;
    response.head += *line + "\r\n";
    if (line->empty()) break;
    const auto colon = line->find(':');
    if (colon == std::string::npos) continue;
    response.headers.emplace_back(line->substr(0, colon), trimmed(std::string_view(*line).substr(colon + 1)));
  }
  response.status = *status;
  if (!head_only && !read_body(response)) response.status = 0;
}

HttpResponse HttpConnection::exchange(const std::string& bytes, bool head_only,
                                      std::chrono::milliseconds limit) {
  HttpResponse response;
  limit_ = limit;
  if (!open_connection(response.error)) return response;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // a server may refuse early; its answer is read all the same
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  read_response(response, head_only);
  const bool last = response.header("Connection") == "close" || response.head.starts_with("HTTP/1.0 ");
  if (!response.complete() || last) close();
  return response;
}

HttpResponse HttpConnection::request(const std::string& method, const std::string& target,
                                     const std::string& body, const Headers& headers,
                                     std::chrono::milliseconds limit) {
  const std::string host = address_ + ":" + std::to_string(port_);
  std::string bytes = method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto& [name, value] : headers) bytes += name + ": " + value + "\r\n";
  if (!body.empty() || method == "PUT" || method == "POST") {
    bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  bytes += "\r\n" + body;
  return exchange(bytes, method == "HEAD", limit);
}

HttpResponse http_request(const std::string& address, std::uint16_t port, const std::string& method,
                          const std::string& target, const std::string& body, const Headers& headers,
                          std::chrono::milliseconds limit) {
  HttpConnection connection(address, port);
  auto with_close = headers;
  with_close.emplace_back("Connection", "close");
  return connection.request(method, target, body, with_close, limit);
}

}  // namespace shmconf::harness
