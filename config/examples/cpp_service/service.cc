// A request handler whose settings are always the newest: four threads, each with a reader of its own.
//
//   GET /          the message, so many times as "repeat" says: two Values, one load each
//   GET /database  host and port of one generation: a snapshot
//   GET /status    what is known of the configuration
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "shmconf/launch.h"

namespace {

class Handler {
 public:
  explicit Handler(const shmconf::Reader& reader)
      : reader_(reader),
        message_(reader_.value<std::string>("message", "hello")),
        repeat_(reader_.value<std::uint8_t>("repeat", 1)) {}

  [[nodiscard]] std::string answer(std::string_view path) const {
    if (path == "/database") return database();
    if (path == "/status") return status();
    std::string page;
    for (int i = 0; i < *repeat_; ++i) page += *message_ + "\n";
    return page;
  }

 private:
  [[nodiscard]] std::string database() const {
    const shmconf::Snapshot now = reader_.snapshot();
    return now.get<std::string>("database/host", "localhost") + ":" +
           std::to_string(now.get<std::uint16_t>("database/port", 5432)) + "\n";
  }

  [[nodiscard]] std::string status() const {
    const shmconf::Status now = reader_.status();
    return std::string(shmconf::verdict_name(now.verdict)) + ", from " + shmconf::origin_name(now.origin) + "\n";
  }

  shmconf::Reader reader_;
  shmconf::Value<std::string> message_;
  shmconf::Value<std::uint8_t> repeat_;
};

// One request a connection: reads the head, answers its path.
void serve(int connection, const Handler& handler) {
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  std::string head;
  std::array<char, 4096> piece;
  while (head.size() < 65536 && head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::recv(connection, piece.data(), piece.size(), 0);
    if (count <= 0) return;
    head.append(piece.data(), static_cast<std::size_t>(count));
  }
  const std::size_t begin = head.find(' ') + 1;
  const std::string page = handler.answer(std::string_view(head).substr(begin, head.find(' ', begin) - begin));
  const std::string answer = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                             std::to_string(page.size()) + "\r\n\r\n" + page;
  for (std::string_view rest = answer; !rest.empty();) {
    const ssize_t count = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

void work(int listener, const shmconf::Reader& reader) {
  const Handler handler(reader);
  for (;;) {
    const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    serve(connection, handler);
    ::close(connection);
  }
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int reuse = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return bound && ::listen(listener, SOMAXCONN) == 0 ? listener : -1;
}

}  // namespace

int main() {
  const char* chosen = std::getenv("PORT");
  const int port = chosen != nullptr ? std::atoi(chosen) : 8080;
  const auto reader = shmconf::launch("cpp-service", {.arguments = {"--prefix", "config/cpp-service/"}});
  if (!reader) {
    std::cerr << reader.error().text << "\n";
    return 1;
  }
  const int listener = port > 0 && port < 65536 ? listen_on(static_cast<std::uint16_t>(port)) : -1;
  if (listener < 0) {
    std::cerr << "cannot listen on port " << port << ": set PORT to a free one\n";
    return 1;
  }
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { work(listener, *reader); });
}
