// ACLs of a real Consul that denies by default: a token that is revoked, narrowed or replaced never takes
// anything from a reader; status names the rule that is missing; and what is given back is used at once.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/eventually.h"
#include "integration/acl_consul.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How soon readers have what a token may read again: the longest pause between two attempts on one
// machine is 1 s, and Consul's servers resolve tokens without a cache.
constexpr milliseconds kBackAfter = 5s;

constexpr char kReadAll[] = R"(key_prefix "config/" { policy = "read" } key "demo-config" { policy = "read" })";

class AclTest : public testing::Test {
 protected:
  // Three sources; of each something is published.
  void start(const std::string& rules = kReadAll, const std::string& more_acl = "") {
    consul_ = AclConsul::start(rules, more_acl);
    ASSERT_NE(consul_, nullptr);
    for (const char* key : {"config/web/a", "config/web/b", "config/web/private/c", "config/other/d", "demo-config"}) {
      ASSERT_TRUE(consul_->kv().put(key, "1"));
    }
    token_ = consul_->make_token();
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{
        .consul = consul_->server().url(),
        .sources = {"--prefix", "config/web/", "--prefix", "config/other/", "--key", "demo-config"}});
    write_text(token_file(), token_.secret + "\n");
    run_ = &sidecar_->start("run", {"--token-file", token_file(), "--heartbeat-interval", "200ms"});
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
    ASSERT_TRUE(both_in_contact(*reader_));
    ASSERT_TRUE(holds_all());
  }
  [[nodiscard]] std::string token_file() const { return sidecar_->file("token"); }
  [[nodiscard]] bool holds_all() const {
    bool all = true;
    for (const char* key : {"a", "b", "private/c", "d", "demo-config"}) all = all && reader_->contains(key);
    return all;
  }

  // What both processes say in the end; the watch has to be woken, since no change of rights wakes it.
  void expect_denied(const std::string& rule) {
    const auto tells = [&](format::Role role) {
      const std::string error = reader_->status().role(role).last_error;
      return reader_->status().role(role).failing_for && error.find("permission denied") != std::string::npos &&
             error.find(rule) != std::string::npos;
    };
    int wakes = 0;
    const bool told = eventually([&] {
      EXPECT_TRUE(holds_all()) << "a reader sees less";
      if (!tells(format::Role::kWatch)) {
        for (const char* key : {"config/web/a", "config/other/d"}) consul_->kv().put(key, "w" + std::to_string(++wakes));
      }
      return tells(format::Role::kWatch) && tells(format::Role::kHeartbeat);
    }, 20s, 50ms);
    ASSERT_TRUE(told) << rule << "\nwatch: " << reader_->status().role(format::Role::kWatch).last_error
                      << "\nheartbeat: " << reader_->status().role(format::Role::kHeartbeat).last_error;
    EXPECT_TRUE(has_verdict(*reader_, Verdict::kStale));
    const auto status = sidecar_->status();
    EXPECT_EQ(status["verdict"], "stale");
    for (const char* role : {"watch", "heartbeat"}) {
      const std::string error = status["roles"][role]["last_error"];
      EXPECT_NE(error.find("permission denied"), std::string::npos) << error;
      EXPECT_NE(error.find(rule), std::string::npos) << error;
    }
    const std::string text = sidecar_->tool({"status"}).out;
    EXPECT_NE(text.find("permission denied"), std::string::npos) << text;
    EXPECT_NE(text.find(rule), std::string::npos) << text;
    EXPECT_NE(sidecar_->logs().find(rule), std::string::npos) << sidecar_->logs();
    EXPECT_EQ(sidecar_->logs().find(token_.secret), std::string::npos) << "the token is in the log";
    EXPECT_TRUE(holds_all());
  }
  // Requires that Consul's values have not changed since the rights came back.
  void expect_recovery(const char* what) {
    const auto begin = steady_clock::now();
    consul_->kv().put("config/web/b", "back");
    EXPECT_TRUE(shows(*reader_, "b", "back", kBackAfter)) << what;
    EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive, kBackAfter)) << what;
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    std::printf("%s: live again after %lld ms\n", what, static_cast<long long>(took.count()));
  }
  void expect_untouched_processes() {
    EXPECT_EQ(reader_->status().role(format::Role::kWatch).starts, 1U) << "the watch was restarted";
    EXPECT_EQ(reader_->status().role(format::Role::kHeartbeat).starts, 1U) << "the heartbeat was restarted";
  }

  std::unique_ptr<AclConsul> consul_;
  AclToken token_;
  std::unique_ptr<Sidecar> sidecar_;
  harness::Process* run_ = nullptr;
  std::unique_ptr<Reader> reader_;
};

TEST_F(AclTest, ARevokedTokenLeavesTheLastGoodAndAnotherOneInTheFileIsUsed) {
  ASSERT_NO_FATAL_FAILURE(start());
  consul_->revoke(token_);
  ASSERT_NO_FATAL_FAILURE(expect_denied("ACL not found"));
  ASSERT_NO_FATAL_FAILURE(expect_denied(R"(key_prefix "config/)"));
  write_text(token_file(), consul_->make_token().secret + "\n");
  expect_recovery("another token in the file");
  expect_untouched_processes();
}

TEST_F(AclTest, ATokenThatIsReplacedBeforeItIsRevokedInterruptsNothing) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto next = consul_->make_token();
  write_text(token_file() + ".new", next.secret);
  std::filesystem::rename(token_file() + ".new", token_file());
  // Of an answer that was under way at the moment, the watch's, the rights go on.
  const auto asked = reader_->status().role(format::Role::kHeartbeat).queries;
  ASSERT_TRUE(eventually([&] { return reader_->status().role(format::Role::kHeartbeat).queries > asked + 10; }));
  consul_->revoke(token_);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(consul_->kv().put("config/web/a", "next" + std::to_string(i)));
    ASSERT_TRUE(shows(*reader_, "a", "next" + std::to_string(i)));
  }
  EXPECT_EQ(reader_->status().role(format::Role::kHeartbeat).failures, 0U) << sidecar_->logs();
  EXPECT_EQ(reader_->status().role(format::Role::kWatch).failures, 0U) << sidecar_->logs();
}

struct Narrowing {
  const char* what;
  const char* rules;
  const char* named;  // the rule that is missing
};

class NarrowedTest : public AclTest, public testing::WithParamInterface<Narrowing> {};

// Next to keys that are really deleted while the others are hidden.
TEST_P(NarrowedTest, KeepsEverythingUntilTheRightIsBackAndThenBelievesTheDeletion) {
  ASSERT_NO_FATAL_FAILURE(start());
  consul_->set_rules(GetParam().rules);
  ASSERT_NO_FATAL_FAILURE(expect_denied(GetParam().named));
  ASSERT_TRUE(consul_->kv().remove("config/web/b"));
  const auto failures = reader_->status().role(format::Role::kHeartbeat).failures;
  ASSERT_TRUE(eventually([&] { return reader_->status().role(format::Role::kHeartbeat).failures > failures + 2; }));
  ASSERT_NO_FATAL_FAILURE(expect_denied(GetParam().named));

  consul_->set_rules(kReadAll);
  const auto begin = steady_clock::now();
  EXPECT_TRUE(eventually([&] { return !reader_->contains("b"); }, kBackAfter)) << "a real deletion is not believed";
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  std::printf("%s: the right is used %lld ms after it was given back\n", GetParam().what,
              static_cast<long long>(took.count()));
  for (const char* key : {"a", "private/c", "d", "demo-config"}) EXPECT_TRUE(reader_->contains(key)) << key;
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  expect_untouched_processes();
}

INSTANTIATE_TEST_SUITE_P(
    Acl, NarrowedTest,
    testing::Values(
        Narrowing{"one_key_of_a_prefix",
                  R"(key_prefix "config/" { policy = "read" } key "demo-config" { policy = "read" }
                     key "config/web/private/c" { policy = "deny" })",
                  R"(key "config/web/private/c" { policy = "read" })"},
        Narrowing{"a_folder_of_a_prefix",
                  R"(key_prefix "config/" { policy = "read" } key "demo-config" { policy = "read" }
                     key_prefix "config/web/private/" { policy = "deny" })",
                  R"(key "config/web/private/c" { policy = "read" })"},
        Narrowing{"a_whole_prefix",
                  R"(key_prefix "config/web/" { policy = "read" } key "demo-config" { policy = "read" })",
                  R"(key_prefix "config/other/" { policy = "read" })"},
        Narrowing{"an_exact_key", R"(key_prefix "config/" { policy = "read" })",
                  R"(key "demo-config" { policy = "read" })"},
        Narrowing{"exact_keys_alone",
                  R"(key "config/web/a" { policy = "read" } key "config/web/b" { policy = "read" }
                     key_prefix "config/other/" { policy = "read" } key "demo-config" { policy = "read" })",
                  R"(key "config/web/private/c" { policy = "read" })"}),
    [](const auto& of) { return std::string(of.param.what); });

TEST_F(AclTest, WithExactRightsEachDeletionIsBelieved) {
  ASSERT_NO_FATAL_FAILURE(start(R"(key_prefix "config/web/" { policy = "read" } key "demo-config" { policy = "read" }
                                   key "config/other/" { policy = "read" } key "config/other/d" { policy = "read" })"));
  for (const char* key : {"demo-config", "config/other/d", "config/web/private/c"}) {
    const std::string shown = std::string(key).substr(std::string(key).starts_with("config/") ? std::string(key).find('/', 7) + 1 : 0);
    ASSERT_TRUE(reader_->contains(shown)) << shown;
    ASSERT_TRUE(consul_->kv().remove(key));
    EXPECT_TRUE(eventually([&] { return !reader_->contains(shown); })) << key << "\n" << sidecar_->logs();
  }
  EXPECT_TRUE(reader_->contains("a"));
  EXPECT_TRUE(reader_->contains("b"));
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
}

TEST_F(AclTest, WhereListsNeedARightOfTheirOwnThatRightIsNamed) {
  constexpr char kList[] = R"(key_prefix "config/" { policy = "list" } key "demo-config" { policy = "read" })";
  ASSERT_NO_FATAL_FAILURE(start(kList, R"(,"enable_key_list_policy":true)"));
  consul_->set_rules(kReadAll);
  ASSERT_NO_FATAL_FAILURE(expect_denied(R"( { policy = "list" })"));
  // Listing is not refused for what is hidden inside the prefix.
  consul_->set_rules(R"(key_prefix "config/" { policy = "list" } key "demo-config" { policy = "read" }
                        key "config/web/private/c" { policy = "deny" })");
  ASSERT_NO_FATAL_FAILURE(expect_denied(R"(key "config/web/private/c" { policy = "read" })"));
  consul_->set_rules(kList);
  expect_recovery("the right to list");
}

TEST_F(AclTest, WithoutATokenThatIsWhatItSays) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(run_->send_signal(SIGTERM));
  ASSERT_TRUE(run_->wait());
  consul_->forget_default_token();
  auto& run = sidecar_->start("run", {"--heartbeat-interval", "200ms"});
  for (const auto role : {format::Role::kWatch, format::Role::kHeartbeat}) {
    EXPECT_TRUE(eventually([&] {
      return reader_->status().role(role).last_error ==
             R"(permission denied without a token: put one with key_prefix "config/web/" { policy = "read" })"
             " into consul.token_file";
    })) << reader_->status().role(role).last_error;
  }
  EXPECT_TRUE(holds_all());
  EXPECT_TRUE(run.running());
}

TEST_F(AclTest, ATokenFromTheEnvironmentTravelsInAHeader) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(run_->send_signal(SIGTERM));
  ASSERT_TRUE(run_->wait());
  consul_->forget_default_token();
  const auto token = consul_->make_token();
  sidecar_->options().variables["CONSUL_HTTP_TOKEN"] = token.secret;
  sidecar_->start("run", {"--heartbeat-interval", "200ms"});
  ASSERT_TRUE(eventually([&] { return reader_->status().role(format::Role::kHeartbeat).starts == 2U; }));
  ASSERT_TRUE(has_verdict(*reader_, Verdict::kLive)) << sidecar_->logs();
  // At its debug level Consul logs the URL of every request.
  const auto log = consul_->server().process().stdout_text();
  EXPECT_NE(log.find("url=/v1/kv/config/web/?recurse"), std::string::npos) << "does Consul log no URLs any more?";
  EXPECT_EQ(log.find(token.secret), std::string::npos);
  EXPECT_EQ(log.find("token=<hidden>"), std::string::npos) << "Consul hides tokens that it finds in a URL";
  EXPECT_EQ(sidecar_->logs().find(token.secret), std::string::npos);
}

TEST_F(AclTest, ATokenFileThatCannotBeUsedForNowInterruptsNothing) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto failing = [&](const std::string& what) {
    EXPECT_TRUE(eventually([&] {
      const auto error = reader_->status().role(format::Role::kHeartbeat).last_error;
      return error.find("'" + token_file() + "'") != std::string::npos && error.find(what) != std::string::npos;
    })) << what << ": " << reader_->status().role(format::Role::kHeartbeat).last_error;
    ASSERT_TRUE(consul_->kv().put("config/web/a", what));
    EXPECT_TRUE(shows(*reader_, "a", what));
    EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  };
  write_text(token_file(), "");
  failing("is empty");
  write_text(token_file(), token_.secret + "\n" + token_.secret + "\n");
  failing("characters that no token has");
  std::filesystem::remove(token_file());
  failing("No such file");
  std::filesystem::create_directory(token_file());
  failing("is not a file");
  std::filesystem::remove(token_file());
  write_text(token_file(), token_.secret);
  EXPECT_TRUE(eventually([&] { return reader_->status().role(format::Role::kHeartbeat).last_error.empty(); }));
  EXPECT_EQ(reader_->status().role(format::Role::kHeartbeat).failures, 0U);
  EXPECT_EQ(sidecar_->logs().find(token_.secret), std::string::npos);
}

}  // namespace
}  // namespace shmconf::integration
