// What is refused before anybody looks at it.

#include "http/rules.h"

#include <gtest/gtest.h>

#include <string>

namespace shmconf::http {
namespace {

const settings::ListenAddress kFour{.path = {}, .host = "127.0.0.1", .port = 8501};
const settings::ListenAddress kSix{.path = {}, .host = "::1", .port = 8501};
const settings::ListenAddress kSocket{.path = "/run/web.http", .host = {}, .port = 0};

Request request(std::string_view target, std::string_view host = "127.0.0.1:8501", std::string_view method = "GET") {
  return {.method = method, .target = target, .host = host, .hosts = 1};
}

unsigned refusal(const Request& request, const settings::ListenAddress& address = kFour) {
  const auto refused = refuse(request, address);
  return refused ? refused->status : 0;
}

TEST(Host, IsTheAddressItselfOrLocalhost) {
  for (const char* own : {"127.0.0.1:8501", "localhost:8501", "LocalHost:8501"}) {
    EXPECT_TRUE(is_own_host(own, kFour)) << own;
  }
  for (const char* foreign :
       {"", "127.0.0.1", "localhost", "127.0.0.1:80", "127.0.0.1:85010", "127.0.0.1:8501.", "127.0.0.1:08501",
        "127.0.0.2:8501", "0.0.0.0:8501", "[::1]:8501", "127.0.0.1.evil.example:8501", "evil.example:8501",
        "localhost.evil.example:8501", "localhost:8501@evil.example", "2130706433:8501", " 127.0.0.1:8501"}) {
    EXPECT_FALSE(is_own_host(foreign, kFour)) << foreign;
  }
  EXPECT_TRUE(is_own_host("[::1]:8501", kSix));
  EXPECT_TRUE(is_own_host("localhost:8501", kSix));
  EXPECT_FALSE(is_own_host("::1:8501", kSix));
  EXPECT_FALSE(is_own_host("127.0.0.1:8501", kSix));
  EXPECT_TRUE(is_own_host("127.0.0.1", {.path = {}, .host = "127.0.0.1", .port = 80})) << "browsers leave 80 out";
}

TEST(Rules, AForeignHostIsToldSo) {
  EXPECT_EQ(refusal(request("/", "evil.example:8501")), 421u);
  EXPECT_EQ(refusal({.method = "GET", .target = "/"}), 421u) << "none at all";
  EXPECT_EQ(refusal({.method = "GET", .target = "/", .host = "127.0.0.1:8501", .hosts = 2}), 400u);
  EXPECT_EQ(refusal(request("/", "anything"), kSocket), 0u);
  EXPECT_EQ(refusal({.method = "GET", .target = "/"}, kSocket), 0u);
}

TEST(Rules, OnlyGetAndHead) {
  EXPECT_EQ(refusal(request("/")), 0u);
  EXPECT_EQ(refusal(request("/", "localhost:8501", "HEAD")), 0u);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "", "GETT"}) {
    EXPECT_EQ(refusal(request("/", "localhost:8501", method)), 405u) << method;
  }
}

TEST(Rules, TargetsAreShortPathsAndNothingComesWithThem) {
  EXPECT_EQ(refusal(request("/" + std::string(kLongestTargetBytes - 1, 'x'))), 0u);
  const std::string long_target = "/" + std::string(kLongestTargetBytes, 'x');
  EXPECT_EQ(refusal(request(long_target)), 414u);
  for (const char* target : {"", "*", "x", "http://127.0.0.1:8501/", "?/"}) EXPECT_EQ(refusal(request(target)), 400u);
  Request with_body = request("/");
  with_body.has_body = true;
  EXPECT_EQ(refusal(with_body), 413u);
}

TEST(Rules, AQueryIsNoPartOfThePath) {
  EXPECT_EQ(path_of("/api/state?x=/y"), "/api/state");
  EXPECT_EQ(path_of("/"), "/");
}

}  // namespace
}  // namespace shmconf::http
