// FakeConsul: the development endpoint's answers, sent by a server that can be told to misbehave.
//
// Runs in threads of its own from construction to destruction, on a loopback port that it holds all
// the while. All calls are thread-safe. Requests meet the first scripted fault that matches them,
// in the order of the script() calls; without one they are answered as Consul would.
#ifndef SHMCONF_TESTS_FAKES_FAKE_CONSUL_H_
#define SHMCONF_TESTS_FAKES_FAKE_CONSUL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dev/kv_store.h"
#include "fakes/fault.h"
#include "harness/consul_kv.h"
#include "harness/http.h"

namespace shmconf::fakes {

struct Received {
  std::string method;
  std::string target;
  harness::Headers headers;
  std::size_t connection = 0;  // counts from 1
  std::chrono::steady_clock::time_point at;

  // In any case; nullopt when there is none.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

class FakeConsul {
 public:
  FakeConsul();
  ~FakeConsul();

  [[nodiscard]] std::string host() const { return "127.0.0.1"; }
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;
  // A client of this server. Its requests meet faults, too, and are recorded.
  [[nodiscard]] harness::ConsulKv kv() const { return harness::ConsulKv(host(), port()); }

  // Writes without a request; wakes blocking queries. Assigning a new store is a server that lost
  // its data, whose blocked queries stay blocked.
  void write(const std::function<void(dev::KvStore&)>& action);
  void put(const std::string& key, const std::string& value);

  void script(Fault fault);
  void clear_faults();
  // Faults that have not been used up; one that is forever counts as one.
  [[nodiscard]] std::size_t faults_left() const;

  // Connections are refused and those that are open are reset, until accept_again().
  void refuse();
  void accept_again();
  // Resets every open connection.
  void cut_connections();

  [[nodiscard]] std::vector<Received> requests() const;
  void forget_requests();
  // Blocks until so many requests have arrived; false after limit.
  bool wait_for_requests(std::size_t count, std::chrono::milliseconds limit = std::chrono::seconds(10));
  [[nodiscard]] std::size_t connections_accepted() const;
  [[nodiscard]] std::size_t connections_open() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace shmconf::fakes

#endif  // SHMCONF_TESTS_FAKES_FAKE_CONSUL_H_
