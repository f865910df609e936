// AclConsul: a real Consul that denies by default, with one policy "reader" that a test changes, and
// tokens that have it.
//
// Not thread-safe. Requests without a token, as harness::ConsulKv's, may do everything until
// forget_default_token(). Failures are test failures.
#ifndef SHMCONF_TESTS_INTEGRATION_ACL_CONSUL_H_
#define SHMCONF_TESTS_INTEGRATION_ACL_CONSUL_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/consul.h"

namespace shmconf::integration {

struct AclToken {
  std::string accessor;
  std::string secret;
};

class AclConsul {
 public:
  // more_acl: further members of "acl", each behind a comma. Null when Consul could not be started.
  static std::unique_ptr<AclConsul> start(const std::string& rules, const std::string& more_acl = "");

  [[nodiscard]] harness::RealConsul& server() const { return *server_; }
  [[nodiscard]] harness::ConsulKv kv() const { return server_->kv(); }
  // Replaces the policy's rules.
  void set_rules(const std::string& rules) const;
  AclToken make_token() const;
  void revoke(const AclToken& token) const;
  // From then on a request without a token is nobody's.
  void forget_default_token() const;

 private:
  nlohmann::json request(const std::string& method, const std::string& where, const nlohmann::json& what) const;

  std::unique_ptr<harness::RealConsul> server_;
  std::string policy_;
};

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_ACL_CONSUL_H_
