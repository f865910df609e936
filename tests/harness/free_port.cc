#include "harness/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

namespace shmconf::harness {
namespace {

constexpr std::uint16_t kFirst = 12000;
constexpr std::uint16_t kLast = 32000;  // the kernel's ephemeral ports begin at 32768

sockaddr_in socket_address(const std::string& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

// A socket bound to the port, or -1 when anyone else has it. Bound without SO_REUSEADDR, so that
// two suites never share one; the option is set afterwards, for the server that will listen.
int hold(int type, const std::string& address, std::uint16_t port) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const auto where = socket_address(address, port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    ::close(fd);
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

}  // namespace

HeldPort::HeldPort(const std::string& address) : address_(address) {
  thread_local std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> any(kFirst, kLast);
  for (int attempt = 0; attempt < 2000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(any(random));
    const int udp = hold(SOCK_DGRAM, address, port);  // asked only: a server's UDP socket cannot share
    if (udp < 0) continue;
    ::close(udp);
    fd_ = hold(SOCK_STREAM, address, port);
    if (fd_ < 0) continue;
    number_ = port;
    return;
  }
  std::fprintf(stderr, "no free port on %s between %d and %d\n", address.c_str(), kFirst, kLast);
  std::abort();
}

HeldPort::HeldPort(HeldPort&& other) noexcept
    : address_(std::move(other.address_)), number_(other.number_), fd_(std::exchange(other.fd_, -1)) {}

HeldPort& HeldPort::operator=(HeldPort&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(number_, other.number_);
  std::swap(fd_, other.fd_);
  return *this;
}

HeldPort::~HeldPort() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace shmconf::harness
