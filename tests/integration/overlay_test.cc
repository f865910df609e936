// Two prefixes and a single key laid over one another, and a JSON document read by pointer with its
// types, through `shmconf run` and the real Consul.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "harness/consul.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

// As an operator would type it into Consul's web page.
constexpr char kDemoConfig[] =
    "{\n \"redis_config\": {\n\t\t\"redis_host\": \"127.0.0.1\",\n\t\t\"redis_port\": 6379,\n"
    "\t\t\"redis_db\": 0,\n\t\t\"redis_password\": \"aaaa1111\"\n\t},\n"
    "\t\"show_message\": \"this is a python-consul-redis demo\"\n}";

class OverlayTest : public testing::Test {
 protected:
  void SetUp() override {
    auto consul = harness::RealConsul::start();
    ASSERT_TRUE(consul) << consul.error().text;
    consul_ = std::move(*consul);
    kv_ = std::make_unique<harness::ConsulKv>(consul_->host(), consul_->port());
    ASSERT_TRUE(kv_->put("config/common/level", "info"));
    ASSERT_TRUE(kv_->put("config/common/shared", "common"));
    ASSERT_TRUE(kv_->put("config/web/level", "debug"));
    ASSERT_TRUE(kv_->put("demo-config", kDemoConfig));
  }
  void start(Words sources) {
    sidecar_ = std::make_unique<Sidecar>(
        SidecarOptions{.consul = consul_->url(), .sources = std::move(sources)});
    sidecar_->start("run");
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
  }
  bool becomes(std::string_view key, std::string_view value) { return shows(*reader_, key, value); }
  bool put(const std::string& key, std::string_view value) { return kv_->put(key, value); }
  bool remove(const std::string& key) { return kv_->remove(key); }

  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<harness::ConsulKv> kv_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Reader> reader_;
};

const Words kAllThree = {"--prefix", "config/common/", "--prefix", "config/web/", "--key", "demo-config"};

TEST_F(OverlayTest, LaterSourcesWinAndDeletionUncoversTheEarlier) {
  ASSERT_NO_FATAL_FAILURE(start(kAllThree));
  EXPECT_EQ(reader_->get("level"), "debug");
  EXPECT_EQ(reader_->get("shared"), "common");
  EXPECT_EQ(reader_->get("demo-config"), kDemoConfig);
  EXPECT_EQ(reader_->snapshot().key_count(), 3U);
  EXPECT_EQ(reader_->status().indexes.size(), 3U);

  ASSERT_TRUE(put("config/common/level", "warning"));  // hidden below the other
  ASSERT_TRUE(put("config/common/last", "1"));
  ASSERT_TRUE(becomes("last", "1"));
  EXPECT_EQ(reader_->get("level"), "debug");

  ASSERT_TRUE(remove("config/web/level"));
  EXPECT_TRUE(becomes("level", "warning"));
  ASSERT_TRUE(put("config/web/level", ""));  // an empty value covers too
  EXPECT_TRUE(becomes("level", ""));
  ASSERT_TRUE(remove("config/common/level"));
  ASSERT_TRUE(remove("config/web/level"));
  ASSERT_TRUE(put("config/web/after", "1"));
  ASSERT_TRUE(becomes("after", "1"));
  EXPECT_FALSE(reader_->contains("level"));
}

TEST_F(OverlayTest, TheOrderOnTheCommandLineDecides) {
  ASSERT_NO_FATAL_FAILURE(start({"--prefix", "config/web/", "--prefix", "config/common/"}));
  EXPECT_EQ(reader_->get("level"), "info");
  EXPECT_FALSE(reader_->contains("demo-config"));
}

TEST_F(OverlayTest, ASingleKeyCoversThatOfAPrefixBeforeItOnly) {
  ASSERT_TRUE(put("config/common/demo-config", "of common"));
  ASSERT_TRUE(put("config/web/demo-config", "of web"));
  ASSERT_NO_FATAL_FAILURE(
      start({"--prefix", "config/common/", "--key", "demo-config", "--prefix", "config/web/"}));
  EXPECT_EQ(reader_->get("demo-config"), "of web");
  ASSERT_TRUE(remove("config/web/demo-config"));
  EXPECT_TRUE(becomes("demo-config", kDemoConfig));
  EXPECT_EQ(reader_->get<int>("demo-config#/redis_config/redis_port", 0), 6379);
  ASSERT_TRUE(remove("demo-config"));
  EXPECT_TRUE(becomes("demo-config", "of common"));
  EXPECT_FALSE(reader_->contains("demo-config#/redis_config/redis_port"));
}

TEST_F(OverlayTest, ADocumentIsReadByPointerWithItsTypes) {
  ASSERT_NO_FATAL_FAILURE(start(kAllThree));
  const std::string redis = "demo-config#/redis_config/";
  const auto port = reader_->get<int>(redis + "redis_port");
  ASSERT_TRUE(port) << port.error().text;
  EXPECT_EQ(*port, 6379);
  EXPECT_EQ(reader_->entry(redis + "redis_port")->kind(), format::Kind::kInteger);
  EXPECT_EQ(reader_->get<std::string>(redis + "redis_host", ""), "127.0.0.1");
  EXPECT_EQ(reader_->entry(redis + "redis_host")->kind(), format::Kind::kString);
  EXPECT_EQ(reader_->get<int>(redis + "redis_db", -1), 0);
  EXPECT_EQ(reader_->get(redis + "redis_password"), "aaaa1111");
  EXPECT_EQ(reader_->get("demo-config#/show_message"), "this is a python-consul-redis demo");
  EXPECT_EQ(reader_->entry("demo-config")->kind(), format::Kind::kDocument);
  EXPECT_FALSE(reader_->contains(redis + "absent"));

  const auto no_number = reader_->get<int>(redis + "redis_host");
  ASSERT_FALSE(no_number);
  EXPECT_EQ(no_number.error().code, ErrorCode::kWrongType);
  const auto too_large = reader_->get<std::int8_t>(redis + "redis_port");
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code, ErrorCode::kWrongType);

  const auto printed = sidecar_->tool({"get", redis + "redis_port"});
  EXPECT_EQ(printed.status.code, 0) << printed.err;
  EXPECT_EQ(printed.out, "6379\n");
}

TEST_F(OverlayTest, PointersFollowTheirDocument) {
  ASSERT_TRUE(put("demo-config#/real", "a key of this very name"));
  ASSERT_NO_FATAL_FAILURE(
      start({"--prefix", "config/common/", "--key", "demo-config", "--key", "demo-config#/real"}));
  Value<int> port = reader_->value<int>("demo-config#/redis_config/redis_port", 1);
  EXPECT_EQ(port.get(), 6379);
  EXPECT_EQ(reader_->get("demo-config#/real"), "a key of this very name");

  ASSERT_TRUE(put("demo-config", R"({"redis_config":{"redis_port":6380},"ratio":0.25,"on":true,"none":null,
                                     "list":["a",{"b/c":"~"}],"real":"hidden by the key"})"));
  ASSERT_TRUE(becomes("demo-config#/redis_config/redis_port", "6380"));
  EXPECT_EQ(port.get(), 6380);
  EXPECT_DOUBLE_EQ(reader_->get<double>("demo-config#/ratio", 0), 0.25);
  EXPECT_TRUE(reader_->get<bool>("demo-config#/on", false));
  EXPECT_EQ(reader_->entry("demo-config#/none")->kind(), format::Kind::kNull);
  EXPECT_EQ(reader_->get("demo-config#/list/0"), "a");
  EXPECT_EQ(reader_->get("demo-config#/list/1/b~1c"), "~");
  EXPECT_EQ(reader_->get("demo-config#/real"), "a key of this very name");
  EXPECT_FALSE(reader_->contains("demo-config#/show_message"));

  ASSERT_TRUE(put("demo-config", "{\"cut\": "));  // no document any more
  ASSERT_TRUE(becomes("demo-config", "{\"cut\": "));
  EXPECT_FALSE(reader_->contains("demo-config#/ratio"));
  EXPECT_EQ(port.get(), 1);
  EXPECT_EQ(port.problem(), ErrorCode::kAbsent);
}

}  // namespace
}  // namespace shmconf::integration
