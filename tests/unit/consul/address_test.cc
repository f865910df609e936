// parse_address: what Consul's own tools take, and one clear line for the rest.
#include "consul/address.h"

#include <gtest/gtest.h>

#include <string>

namespace shmconf::consul {
namespace {

using Scheme = Address::Scheme;

void expect(const char* text, Scheme scheme, const char* host, int port, const char* authority) {
  auto address = parse_address(text);
  ASSERT_TRUE(address.ok()) << text << ": " << address.error().text;
  EXPECT_EQ(address->scheme, scheme) << text;
  EXPECT_EQ(address->host, host) << text;
  EXPECT_EQ(address->port, port) << text;
  EXPECT_EQ(address->authority(), authority) << text;
}

TEST(Address, TakesHostsWithAndWithoutSchemeAndPort) {
  expect("127.0.0.1:8501", Scheme::kHttp, "127.0.0.1", 8501, "127.0.0.1:8501");
  expect("consul", Scheme::kHttp, "consul", 8500, "consul:8500");
  expect("http://Consul.Example/", Scheme::kHttp, "consul.example", 8500, "consul.example:8500");
  expect("HTTPS://consul.example:443", Scheme::kHttps, "consul.example", 443, "consul.example:443");
  expect("[::1]:9000", Scheme::kHttp, "::1", 9000, "[::1]:9000");
  expect("http://[2001:db8::1]", Scheme::kHttp, "2001:db8::1", 8500, "[2001:db8::1]:8500");
  expect("http://[fe80::1%eth0]:1", Scheme::kHttp, "fe80::1%eth0", 1, "[fe80::1]:1");
  expect(":8500", Scheme::kHttp, "127.0.0.1", 8500, "127.0.0.1:8500");
}

TEST(Address, TakesUnixSockets) {
  auto address = parse_address("unix:///run/consul/http.sock");
  ASSERT_TRUE(address.ok()) << address.error().text;
  EXPECT_EQ(address->scheme, Scheme::kUnix);
  EXPECT_EQ(address->path, "/run/consul/http.sock");
  EXPECT_EQ(address->authority(), "localhost");
  EXPECT_EQ(address->text(), "unix:///run/consul/http.sock");
}

TEST(Address, RefusesTheRest) {
  for (const char* text :
       {"", "http://", "ftp://host", "host:", "host:0", "host:65536", "host:80x", "host:-1", "::1", "[::1",
        "[::1]x", "[zz]:1", "http://host/path", "http://host?x", "unix://relative", "unix://", "ho st",
        "host\r\nX: y", "a:1:2"}) {
    auto address = parse_address(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalid) << text;
  }
  EXPECT_FALSE(parse_address("unix:///" + std::string(200, 'x')).ok());
}

TEST(Address, NeverRepeatsAPassword) {
  auto address = parse_address("http://user:hunter2@host:8500");
  ASSERT_FALSE(address.ok());
  EXPECT_EQ(address.error().text.find("hunter2"), std::string::npos) << address.error().text;
  EXPECT_NE(address.error().text.find("http_auth"), std::string::npos) << address.error().text;
}

TEST(Address, KnowsThisMachine) {
  for (const char* text : {"127.0.0.1", "127.9.8.7:1", "localhost", "LOCALHOST:1", "[::1]",
                           "[::ffff:127.0.0.1]", "unix:///x", "https://127.0.0.1"}) {
    EXPECT_TRUE(parse_address(text)->is_local()) << text;
  }
  for (const char* text :
       {"10.0.0.1", "consul", "localhost.example", "[::2]", "128.0.0.1", "127.0.0.1.example"}) {
    EXPECT_FALSE(parse_address(text)->is_local()) << text;
  }
}

}  // namespace
}  // namespace shmconf::consul
