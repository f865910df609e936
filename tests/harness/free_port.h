// HeldPort: a TCP port on one loopback address that no other test, and no outgoing connection, gets
// while the object lives, and that a server started by this test may still listen on.
//
// The port is held by a bound socket that does not listen; a server that sets SO_REUSEADDR (as
// Consul and Asio's acceptors do) can bind beside it, and a client sees "connection refused" until
// then. Ports are below the kernel's range of ephemeral ports, so UDP on the same number is free
// too. Move-only; not thread-safe.
#ifndef SHMCONF_TESTS_HARNESS_FREE_PORT_H_
#define SHMCONF_TESTS_HARNESS_FREE_PORT_H_

#include <cstdint>
#include <string>

namespace shmconf::harness {

class HeldPort {
 public:
  // Ends the test program when no port is to be had.
  explicit HeldPort(const std::string& address = "127.0.0.1");
  HeldPort(HeldPort&& other) noexcept;
  HeldPort& operator=(HeldPort&& other) noexcept;
  ~HeldPort();

  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  // "address:number".
  [[nodiscard]] std::string endpoint() const { return address_ + ":" + std::to_string(number_); }

 private:
  std::string address_;
  std::uint16_t number_ = 0;
  int fd_ = -1;
};

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_FREE_PORT_H_
