// Contract: one test, run against the development endpoint, against the fake that tests make
// misbehave, without any fault, and against a real Consul, so that both stay what they claim to be.
#ifndef SHMCONF_TESTS_INTEGRATION_CONTRACT_FIXTURE_H_
#define SHMCONF_TESTS_INTEGRATION_CONTRACT_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "fakes/dev_server.h"
#include "fakes/fake_consul.h"
#include "harness/consul.h"
#include "harness/consul_kv.h"

namespace shmconf {

enum class Server : std::uint8_t { kEndpoint, kFake, kConsul };
inline const auto kEveryServer = ::testing::Values(Server::kEndpoint, Server::kFake, Server::kConsul);

class Contract : public ::testing::TestWithParam<Server> {
 protected:
  // A blocking query in a thread of its own.
  struct Outcome {
    harness::HttpResponse response;
    std::chrono::milliseconds took{0};
  };
  using Pending = std::future<Outcome>;

  void SetUp() override {
    if (GetParam() == Server::kFake) {
      fake_ = std::make_unique<fakes::FakeConsul>();
      port_ = fake_->port();
    } else if (GetParam() == Server::kConsul) {
      auto started = harness::RealConsul::start();
      ASSERT_TRUE(started) << started.error().text;
      consul_ = std::move(*started);
      port_ = consul_->port();
    } else {
      auto started = fakes::DevServer::start();
      ASSERT_TRUE(started) << started.error().text;
      endpoint_ = std::move(*started);
      port_ = endpoint_->port();
    }
    kv_ = std::make_unique<harness::ConsulKv>("127.0.0.1", port_);
  }

  harness::ConsulKv& kv() { return *kv_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  harness::HttpResponse request(const std::string& method, const std::string& target,
                                const std::string& body = {}) {
    return kv_->connection().request(method, target, body);
  }

  std::uint64_t index_of(const std::string& target) {
    const auto response = request("GET", target);
    EXPECT_TRUE(response.index()) << target << ": " << response.head << response.error;
    return response.index().value_or(0);
  }

  // Sends the query with that index and returns when the server has had time to park it.
  Pending block(const std::string& target, std::uint64_t index, const std::string& wait = "10s") {
    const std::string whole = target + (target.find('?') == std::string::npos ? "?" : "&") +
                              "index=" + std::to_string(index) + "&wait=" + wait;
    auto pending = std::async(std::launch::async, [whole, port = port_] {
      const auto begin = std::chrono::steady_clock::now();
      Outcome outcome{harness::http_request("127.0.0.1", port, "GET", whole), {}};
      outcome.took =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
      return outcome;
    });
    (void)pending.wait_for(std::chrono::milliseconds(100));
    return pending;
  }
  Pending block(const std::string& target) { return block(target, index_of(target)); }

 private:
  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<fakes::DevServer> endpoint_;
  std::unique_ptr<fakes::FakeConsul> fake_;
  std::uint16_t port_ = 0;
  std::unique_ptr<harness::ConsulKv> kv_;
};

inline std::string server_name(const ::testing::TestParamInfo<Server>& parameter) {
  switch (parameter.param) {
    case Server::kEndpoint: return "Endpoint";
    case Server::kFake: return "Fake";
    case Server::kConsul: return "Consul";
  }
  return "";
}

}  // namespace shmconf

#endif  // SHMCONF_TESTS_INTEGRATION_CONTRACT_FIXTURE_H_
