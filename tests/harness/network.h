// Network: a network of the test's own, with hosts on it that can be cut off from everybody else.
//
// A bridge in a network namespace that this process moves into, and a namespace for each host; where
// this process may not make one, in a user namespace that it enters as well. It stays there when the
// object goes, with loopback at work. Needs iproute2 and nsenter. Not thread-safe.
#ifndef SHMCONF_TESTS_HARNESS_NETWORK_H_
#define SHMCONF_TESTS_HARNESS_NETWORK_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "shmconf/result.h"

namespace shmconf::harness {

class Network {
 public:
  // Requires that this thread is the process's only one. Processes started from now on are on it.
  static Result<std::unique_ptr<Network>> make();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // This process's address on it.
  [[nodiscard]] static std::string address();
  // One more host; hosts count from 0.
  Result<std::size_t> add_host();
  [[nodiscard]] static std::string address(std::size_t host);
  // What a command has to begin with to run on that host.
  [[nodiscard]] std::vector<std::string> on(std::size_t host) const;

  // From now on nothing that the host sends arrives, nor anything that is sent to it; nobody is told.
  Result<void> cut(std::size_t host);
  Result<void> rejoin(std::size_t host);

 private:
  Network() = default;

  std::vector<int> hosts_;  // descriptors of their namespaces, which live as long
};

}  // namespace shmconf::harness

#endif  // SHMCONF_TESTS_HARNESS_NETWORK_H_
