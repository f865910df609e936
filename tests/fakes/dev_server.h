// DevServer: the development endpoint in a thread of this process, for tests that need a quick,
// well-behaved Consul.
//
// Construction and destruction on one thread; address and port from any.
#ifndef SHMCONF_TESTS_FAKES_DEV_SERVER_H_
#define SHMCONF_TESTS_FAKES_DEV_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "dev/endpoint.h"
#include "harness/consul_kv.h"
#include "shmconf/result.h"

namespace shmconf::fakes {

class DevServer {
 public:
  // Listening and served when it returns, on any free port unless options say otherwise.
  static Result<std::unique_ptr<DevServer>> start(dev::EndpointOptions options = any_port());
  ~DevServer();

  static dev::EndpointOptions any_port();
  [[nodiscard]] std::string host() const { return "127.0.0.1"; }
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] harness::ConsulKv kv() const { return harness::ConsulKv(host(), port()); }

 private:
  struct State;
  explicit DevServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_DEV_SERVER_H_
