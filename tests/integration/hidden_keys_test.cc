// A real Consul with ACLs: an answer from which keys were filtered, because the token's rights were
// narrowed, is not mistaken for their deletion.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "harness/eventually.h"
#include "integration/acl_consul.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;

constexpr char kReadAll[] = R"(key_prefix "config/web/" { policy = "read" })";
constexpr char kReadAllButPrivate[] =
    R"(key_prefix "config/web/" { policy = "read" } key_prefix "config/web/private/" { policy = "deny" })";
constexpr char kReadNothing[] = R"(key_prefix "elsewhere/" { policy = "read" })";

class HiddenKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    consul_ = AclConsul::start(kReadAll);
    ASSERT_NE(consul_, nullptr);
    ASSERT_TRUE(consul_->kv().put("config/web/a", "1"));
    ASSERT_TRUE(consul_->kv().put("config/web/private/b", "1"));
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->server().url()});
    write_text(sidecar_->file("token"), consul_->make_token().secret + "\n");
    flags_ = {"--token-file", sidecar_->file("token"), "--allow-empty", "--heartbeat-interval", "300ms"};
  }
  void start() {
    sidecar_->start("run", flags_);
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
    ASSERT_TRUE(shows(*reader_, "private/b", "1"));
  }
  [[nodiscard]] bool tells(format::Role role, const std::string& text,
                           std::chrono::milliseconds limit = 10s) const {
    const auto error = [&] { return reader_->status().role(role).last_error; };
    return eventually([&] { return error().find(text) != std::string::npos; }, limit);
  }

  std::unique_ptr<AclConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  Words flags_;
  std::unique_ptr<Reader> reader_;
};

TEST_F(HiddenKeysTest, KeysThatAreHiddenInsideThePrefixStayAndSoDoesTheRest) {
  ASSERT_NO_FATAL_FAILURE(start());
  consul_->set_rules(kReadAllButPrivate);
  ASSERT_TRUE(tells(format::Role::kHeartbeat, "config/web/private/b")) << sidecar_->logs();
  // A query that was outstanding goes on with the rights that it began with, so the watch notices
  // with a later one.
  int changes = 1;
  ASSERT_TRUE(eventually([&] {
    return consul_->kv().put("config/web/a", std::to_string(++changes)) &&
           tells(format::Role::kWatch, "config/web/private/b", 300ms);
  }));
  // The last good configuration stays whole.
  EXPECT_EQ(reader_->get("private/b"), "1");
  EXPECT_LT(reader_->get<int>("a", changes), changes);
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kStale));

  consul_->set_rules(kReadAll);
  EXPECT_TRUE(shows(*reader_, "a", std::to_string(changes)));
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  EXPECT_EQ(reader_->get("private/b"), "1");
  ASSERT_TRUE(consul_->kv().remove("config/web/private/b"));
  EXPECT_TRUE(eventually([&] { return !reader_->contains("private/b"); }))
      << "a real deletion is not believed";
}

TEST_F(HiddenKeysTest, APrefixThatIsHiddenAsAWholeIsNotEmpty) {
  ASSERT_NO_FATAL_FAILURE(start());
  consul_->set_rules(kReadNothing);
  ASSERT_TRUE(tells(format::Role::kHeartbeat, "permission denied")) << sidecar_->logs();
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kStale));
  EXPECT_EQ(reader_->get("a"), "1");
  EXPECT_EQ(reader_->get("private/b"), "1");
}

TEST_F(HiddenKeysTest, ASidecarWithoutRightsPublishesNoEmptyConfiguration) {
  consul_->set_rules(kReadNothing);
  flags_.insert(flags_.end(), {"--require-configuration", "--startup-timeout", "500ms"});
  auto& run = sidecar_->start("run", flags_);
  const auto ended = run.wait(15s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 3);
  EXPECT_NE(run.stderr_text().find("key_prefix \"config/web/\""), std::string::npos) << run.stderr_text();
  EXPECT_EQ(sidecar_->tool({"list"}).status.code, 3);
}

}  // namespace
}  // namespace shmconf::integration
