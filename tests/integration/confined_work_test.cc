// Nothing that the sidecar does is denied: one that has to use all that it can do, with every system call
// of its processes looked at.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/certificates.h"
#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using harness::eventually;
using nlohmann::json;
using namespace std::chrono_literals;

constexpr char kHost[] = "consul.shmconf.test";

class ConfinedWorkTest : public testing::Test {
 protected:
  // Consul by TLS, with client certificates and ACLs; plain HTTP is the test's own way in.
  void SetUp() override {
    const auto server = certificates_.issue("server", std::string("DNS:") + kHost);
    const json configuration = {
        {"ports", {{"https", https_.number()}}},
        {"ca_file", certificates_.authority_file()},
        {"cert_file", server.certificate_file},
        {"key_file", server.key_file},
        {"verify_incoming_https", true},
        {"acl",
         {{"enabled", true}, {"default_policy", "deny"}, {"tokens", {{"master", "all-rights"}, {"default", "all-rights"}}}}}};
    harness::ConsulOptions options;
    options.extra_json = configuration.dump();
    auto started = harness::RealConsul::start(options);
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    const std::string rules = R"(key_prefix "config/web/" { policy = "read" })";
    const std::string policy = create("/v1/acl/policy", {{"Name", "reader"}, {"Rules", rules}}, "ID");
    for (std::string& token : tokens_) {
      token = create("/v1/acl/token", {{"Policies", {{{"ID", policy}}}}}, "SecretID");
      ASSERT_EQ(token.size(), 36U);
    }
    sidecar_ = std::make_unique<Sidecar>(
        SidecarOptions{.consul = "https://" + std::string(kHost) + ":" + std::to_string(https_.number())});
  }

  std::string create(const std::string& where, const json& what, const std::string& field) {
    const auto answer = harness::http_request(consul_->host(), consul_->port(), "PUT", where, what.dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body, nullptr, false).value(field, "");
  }
  bool put(const std::string& key, const std::string& value) { return consul_->kv().put("config/web/" + key, value); }

  // `run`, in a mount namespace of its own: a small tmpfs for the segment, and a name for Consul.
  void start() {
    const auto client = certificates_.issue("client", "DNS:client");
    write_text(sidecar_->file("token"), tokens_[0]);
    write_text(sidecar_->file("hosts"), "127.0.0.1 localhost " + std::string(kHost) + "\n");
    write_text(sidecar_->file("settings.json"), "{\"heartbeat_interval\": \"200ms\"}");
    sidecar_->options().variables = {{"CONSUL_CACERT", certificates_.authority_file()},
                                     {"CONSUL_CLIENT_CERT", client.certificate_file},
                                     {"CONSUL_CLIENT_KEY", client.key_file},
                                     {"CONSUL_HTTP_TOKEN_FILE", sidecar_->file("token")},
                                     {"SHMCONF_CONFIG", sidecar_->file("settings.json")}};
    auto command = sidecar_->command({"run", "--prefix", "config/web/"});
    const Words wrapper = {"unshare", ::geteuid() == 0 ? "-m" : "-rm", "sh", "-c",
                           "mount -t tmpfs -o size=400k,mode=0700 tmpfs \"$0\" && mount --bind \"$1\" /etc/hosts && "
                           "shift && exec \"$@\"",
                           sidecar_->root(), sidecar_->file("hosts"), SHMCONF_DENIED_CALLS, denied_calls()};
    command.argv.insert(command.argv.begin(), wrapper.begin(), wrapper.end());
    auto process = harness::Process::spawn(command);
    ASSERT_TRUE(process) << process.error().text;
    run_ = std::make_unique<harness::Process>(std::move(*process));
    OpenOptions options = sidecar_->open_options();
    options.directory = "/proc/" + std::to_string(run_->pid()) + "/root" + sidecar_->root();
    options.allow_backup = false;
    auto reader = Reader::open("web", options);
    ASSERT_TRUE(eventually([&] { return reader.ok() || (reader = Reader::open("web", options)).ok(); }, 30s))
        << reader.error().text << run_->stderr_text();
    reader_ = std::make_unique<Reader>(std::move(*reader));
  }
  [[nodiscard]] std::string denied_calls() const { return sidecar_->file("denied"); }
  [[nodiscard]] int count_in_log(const std::string& words) const {
    const std::string log = run_->stderr_text();
    int count = 0;
    for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++count;
    return count;
  }
  [[nodiscard]] RoleStatus role(format::Role which) { return reader_->status().role(which); }

  harness::HeldPort https_;
  harness::Certificates certificates_;
  std::unique_ptr<harness::RealConsul> consul_;
  std::string tokens_[2];
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<harness::Process> run_;
  std::unique_ptr<Reader> reader_;
};

TEST_F(ConfinedWorkTest, NothingThatTheSidecarDoesIsDenied) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(both_in_contact(*reader_)) << run_->stderr_text();

  ASSERT_TRUE(put("a", "2"));
  EXPECT_TRUE(shows(*reader_, "a", "2", 30s));
  EXPECT_TRUE(eventually([&] {
    const auto backup = Reader::open_backup(sidecar_->backup_file());
    return backup && backup->get("a") == "2";
  }, 30s)) << "the backup";

  // A rotated token, and settings that were read again.
  write_text(sidecar_->file("token.new"), tokens_[1]);
  std::filesystem::rename(sidecar_->file("token.new"), sidecar_->file("token"));
  write_text(sidecar_->file("settings.json"), "{\"heartbeat_interval\": \"300ms\", \"log\": {\"level\": \"debug\"}}");
  ASSERT_TRUE(run_->send_signal(SIGHUP));
  EXPECT_TRUE(eventually([&] { return count_in_log("the settings were read again") == 3; }, 30s))
      << run_->stderr_text();
  ASSERT_TRUE(put("a", "3"));
  EXPECT_TRUE(shows(*reader_, "a", "3", 30s));

  // A full tmpfs, an outage, and both over again.
  ASSERT_TRUE(put("large", std::string(500'000, 'x')));
  EXPECT_TRUE(eventually([&] { return role(format::Role::kWatch).last_error.find("full") != std::string::npos; }, 30s));
  ASSERT_TRUE(consul_->kv().remove("config/web/large"));
  ASSERT_TRUE(put("a", "4"));
  EXPECT_TRUE(shows(*reader_, "a", "4", 30s));
  consul_->freeze();
  EXPECT_TRUE(eventually([&] { return role(format::Role::kHeartbeat).failing_for.has_value(); }, 40s));
  consul_->thaw();
  ASSERT_TRUE(put("a", "5"));
  EXPECT_TRUE(shows(*reader_, "a", "5", 60s));

  ASSERT_TRUE(run_->send_signal(SIGTERM));
  ASSERT_TRUE(run_->wait(30s));
  EXPECT_TRUE(std::filesystem::exists(denied_calls())) << "nobody looked";
  EXPECT_EQ(text_of(denied_calls()), "") << "pid and number of each call that failed with EPERM\n" << run_->stderr_text();
}

}  // namespace
}  // namespace shmconf::integration
