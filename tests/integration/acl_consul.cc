#include "integration/acl_consul.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace shmconf::integration {
namespace {

using nlohmann::json;

}  // namespace

std::unique_ptr<AclConsul> AclConsul::start(const std::string& rules, const std::string& more_acl) {
  harness::ConsulOptions options;
  options.extra_json = R"({"log_level":"debug","acl":{"enabled":true,"default_policy":"deny",
                           "tokens":{"master":"all-rights","default":"all-rights"})" + more_acl + "}}";
  auto started = harness::RealConsul::start(options);
  EXPECT_TRUE(started) << started.error().text;
  if (!started) return nullptr;
  auto consul = std::make_unique<AclConsul>();
  consul->server_ = std::move(*started);
  consul->policy_ = consul->request("PUT", "/v1/acl/policy", {{"Name", "reader"}, {"Rules", rules}}).value("ID", "");
  EXPECT_EQ(consul->policy_.size(), 36U);
  return consul;
}

json AclConsul::request(const std::string& method, const std::string& where, const json& what) const {
  const auto answer = harness::http_request(server_->host(), server_->port(), method, where, what.dump(),
                                            {{"X-Consul-Token", "all-rights"}});
  EXPECT_EQ(answer.status, 200) << where << ": " << answer.error << answer.body;
  return json::parse(answer.body, nullptr, false);
}

void AclConsul::set_rules(const std::string& rules) const {
  request("PUT", "/v1/acl/policy/" + policy_, {{"ID", policy_}, {"Name", "reader"}, {"Rules", rules}});
}

AclToken AclConsul::make_token() const {
  const json made = request("PUT", "/v1/acl/token", {{"Policies", {{{"ID", policy_}}}}});
  AclToken token{made.value("AccessorID", ""), made.value("SecretID", "")};
  EXPECT_EQ(token.secret.size(), 36U);
  return token;
}

void AclConsul::revoke(const AclToken& token) const { request("DELETE", "/v1/acl/token/" + token.accessor, json()); }

void AclConsul::forget_default_token() const { request("PUT", "/v1/agent/token/default", {{"Token", ""}}); }

}  // namespace shmconf::integration
