#include "http/raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <chrono>
#include <cstring>
#include <thread>

namespace shmconf::http {
namespace {

env::Fd connect_to(const settings::ListenAddress& address) {
  union {
    sockaddr any;
    sockaddr_in four;
    sockaddr_in6 six;
    sockaddr_un local;
  } there{};
  socklen_t bytes = sizeof there.four;
  if (address.is_unix()) {
    there.local.sun_family = AF_UNIX;
    std::strncpy(there.local.sun_path, address.path.c_str(), sizeof there.local.sun_path - 1);
    bytes = sizeof there.local;
  } else if (address.host.find(':') != std::string::npos) {
    there.six.sin6_family = AF_INET6;
    there.six.sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &there.six.sin6_addr);
    bytes = sizeof there.six;
  } else {
    there.four.sin_family = AF_INET;
    there.four.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &there.four.sin_addr);
  }
  env::Fd socket(::socket(there.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // A unix socket has its name a moment before anybody listens there.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  int connected = ::connect(socket.get(), &there.any, bytes);
  while (connected != 0 && errno == ECONNREFUSED && address.is_unix() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    connected = ::connect(socket.get(), &there.any, bytes);
  }
  EXPECT_EQ(connected, 0) << std::strerror(errno);
  return socket;
}

}  // namespace

RawClient::RawClient(const settings::ListenAddress& address) : socket_(connect_to(address)) {}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string RawClient::read_until(std::string_view wanted, std::chrono::milliseconds limit) {
  std::array<char, 65536> piece{};
  while (wanted.empty() || text_.find(wanted) == std::string::npos) {
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) break;
    const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    closed_ = got <= 0;
    if (closed_) break;
    text_.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text_;
}

std::string RawClient::read_all(std::chrono::milliseconds limit) { return read_until({}, limit); }

void RawClient::finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

std::string ask(const settings::ListenAddress& address, std::string_view bytes) {
  RawClient client(address);
  client.send(bytes);
  client.finish_sending();
  return client.read_all();
}

std::string host_of(const settings::ListenAddress& address) {
  const bool six = address.host.find(':') != std::string::npos;
  return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string get(const settings::ListenAddress& address, const std::string& path) {
  return ask(address, "GET " + path + " HTTP/1.1\r\nHost: " + host_of(address) + "\r\nConnection: close\r\n\r\n");
}

int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(std::string(answer.substr(9, 3)).c_str()) : 0;
}

std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace shmconf::http
