// request_target and status_error: what is asked, and what a status means.
#include "consul/request_target.h"

#include <gtest/gtest.h>

#include <string>

#include "consul/status_text.h"

namespace shmconf::consul {
namespace {

using namespace std::string_literals;
using settings::Source;

const Source kPrefix{Source::Kind::kPrefix, "config/web/"};
const Source kKey{Source::Kind::kKey, "demo-config"};

Query about(const Source& source) {
  Query query;
  query.source = source;
  return query;
}

TEST(RequestTarget, EncodesEveryByteButTheUnreserved) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string encoded = percent_encode(all);
  EXPECT_EQ(encoded.size(), 67u + 3 * (256u - 67u));  // 66 unreserved and '/'
  EXPECT_EQ(percent_encode("az/AZ09-._~"), "az/AZ09-._~");
  EXPECT_EQ(percent_encode("a b?c#d%\xc3\xa9\0\n"s), "a%20b%3Fc%23d%25%C3%A9%00%0A");
}

TEST(RequestTarget, AsksForPrefixesAndKeys) {
  const settings::Consul consul;
  EXPECT_EQ(request_target(about(kPrefix), consul), "/v1/kv/config/web/?recurse");
  EXPECT_EQ(request_target(about(kKey), consul), "/v1/kv/demo-config");
  Query query = about(kPrefix);
  query.what = Query::What::kIndexOnly;
  EXPECT_EQ(request_target(query, consul), "/v1/kv/config/web/?keys&separator=/");
  query.source = kKey;
  EXPECT_EQ(request_target(query, consul), "/v1/kv/demo-config");
}

TEST(RequestTarget, BlocksWithAUnitAndNeverForConsulsOwnFiveMinutes) {
  settings::Consul consul;
  consul.wait = std::chrono::milliseconds(1500);
  Query query = about(kPrefix);
  query.wait = std::chrono::milliseconds(30'000);
  EXPECT_EQ(request_target(query, consul), "/v1/kv/config/web/?recurse") << "index 0 does not block";
  query.index = UINT64_MAX;
  EXPECT_EQ(request_target(query, consul), "/v1/kv/config/web/?recurse&index=18446744073709551615&wait=30s");
  query.wait = {};
  EXPECT_EQ(request_target(query, consul),
            "/v1/kv/config/web/?recurse&index=18446744073709551615&wait=1500ms");
}

TEST(RequestTarget, CarriesConsistencyAndPlace) {
  settings::Consul consul;
  consul.datacenter = "dc 1";
  consul.name_space = "team&a";
  consul.partition = "p";
  consul.token = "secret";
  Query query = about(kKey);
  query.consistency = settings::Consistency::kStale;
  EXPECT_EQ(request_target(query, consul), "/v1/kv/demo-config?stale&dc=dc%201&ns=team%26a&partition=p");
  query.consistency = settings::Consistency::kConsistent;
  EXPECT_EQ(request_target(query, consul), "/v1/kv/demo-config?consistent&dc=dc%201&ns=team%26a&partition=p");
}

Answer answer_of(unsigned status, std::string words = "", std::optional<std::uint64_t> index = std::nullopt) {
  Answer answer;
  answer.status = status;
  answer.error_body = std::move(words);
  answer.index = index;
  return answer;
}

void expect(const Answer& answer, const Source& source, ErrorCode code, const char* part) {
  auto error = status_error(answer, source);
  ASSERT_TRUE(error) << answer.status;
  EXPECT_EQ(error->code, code) << answer.status;
  EXPECT_NE(error->text.find(part), std::string::npos) << error->text;
}

TEST(StatusText, PresentAndAbsentAreAnswers) {
  EXPECT_FALSE(status_error(answer_of(200, "", 5), kPrefix));
  EXPECT_FALSE(status_error(answer_of(404, "", 5), kPrefix));
  expect(answer_of(404, "404 page not found"), kPrefix, ErrorCode::kUnavailable, "without X-Consul-Index");
}

TEST(StatusText, SaysWhatTheTokenNeeds) {
  expect(answer_of(403, "Permission denied"), kPrefix, ErrorCode::kDenied,
         R"(the token needs key_prefix "config/web/" { policy = "list" })");
  const auto below = status_error(answer_of(403, "Permission denied"), kPrefix, Asked::kKeyBelow);
  EXPECT_EQ(below->text, R"(permission denied: the token needs key_prefix "config/web/" { policy = "read" })");
  expect(answer_of(403, "Permission denied"), kKey, ErrorCode::kDenied,
         R"(the token needs key "demo-config" { policy = "read" })");
  expect(answer_of(403, "rpc error making call: ACL not found"), kKey, ErrorCode::kDenied,
         R"(does not know the token (ACL not found), which was revoked or belongs to another datacenter: put one )"
         R"(with key "demo-config" { policy = "read" } into consul.token_file)");
  Answer anonymous = answer_of(403, "Permission denied");
  anonymous.with_token = false;
  expect(anonymous, kKey, ErrorCode::kDenied,
         R"(without a token: put one with key "demo-config" { policy = "read" } into consul.token_file)");
  expect(answer_of(403), Source{Source::Kind::kKey, "a\"b\\\n"}, ErrorCode::kDenied, R"("a\"b\\?")");
}

TEST(StatusText, PassesConsulsWordsOn) {
  expect(answer_of(500, "No cluster leader"), kPrefix, ErrorCode::kUnavailable,
         "500 for prefix \"config/web/\": No cl");
  expect(answer_of(503), kKey, ErrorCode::kUnavailable, "answered 503");
  expect(answer_of(429), kKey, ErrorCode::kUnavailable, "limits requests (429)");
  expect(answer_of(400, "Invalid wait time"), kKey, ErrorCode::kInvalid, "Invalid wait time");
  expect(answer_of(301), kKey, ErrorCode::kInvalid, "redirects (301)");
}

TEST(StatusText, KeepsOneShortPrintableLine) {
  EXPECT_EQ(printable_line("rpc error:\r\n\x1b[31m No \x01\xff leader\n"), "rpc error: [31m No leader");
  EXPECT_EQ(printable_line(std::string(500, 'x')).size(), 200u);
}

}  // namespace
}  // namespace shmconf::consul
