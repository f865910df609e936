// TLS to a real Consul that requires client certificates: it works, each way to fail has its own line and
// leaves the last good configuration, and rotated certificates are used without a restart.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "harness/eventually.h"
#include "integration/sidecar.h"
#include "integration/tls_consul.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::Certificates;
using harness::eventually;

class TlsConsulTest : public testing::Test {
 protected:
  void SetUp() override {
    consul_ = TlsConsul::start();
    ASSERT_NE(consul_, nullptr);
    ASSERT_TRUE(consul_->put("config/web/a", "1"));
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    sidecar_->options().variables = consul_->client_variables();
  }
  harness::Process& start(const char* heartbeat_interval = "200ms") {
    return sidecar_->start("run", {"--heartbeat-interval", heartbeat_interval});
  }
  void open() {
    auto reader = sidecar_->open();
    ASSERT_TRUE(reader) << reader.error().text;
    reader_ = std::make_unique<Reader>(std::move(*reader));
    ASSERT_TRUE(shows(*reader_, "a", "1"));
    ASSERT_TRUE(both_in_contact(*reader_));
  }
  static void stop(harness::Process& run) {
    ASSERT_TRUE(run.send_signal(SIGTERM));
    ASSERT_TRUE(run.wait());
  }
  [[nodiscard]] std::string error_of(format::Role role) const { return reader_->status().role(role).last_error; }

  // The heartbeat makes a connection for each of its reads: that they go on shows that new ones are made.
  void expect_new_connections() {
    const auto queries = [&] { return reader_->status().role(format::Role::kHeartbeat).queries; };
    const auto before = queries();
    EXPECT_TRUE(eventually([&] { return queries() >= before + 3; })) << error_of(format::Role::kHeartbeat);
    EXPECT_FALSE(reader_->status().role(format::Role::kHeartbeat).failing_for);
  }
  void expect_arrival(const std::string& value) {
    ASSERT_TRUE(consul_->put("config/web/a", value));
    EXPECT_TRUE(shows(*reader_, "a", value));
    EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive));
  }
  // A sidecar that is started on the segment that is there cannot reach Consul, and says why.
  void expect_failure(const std::string& line) {
    SCOPED_TRACE(line);
    auto& run = start();
    for (const auto role : {format::Role::kWatch, format::Role::kHeartbeat}) {
      EXPECT_TRUE(eventually([&] {
        return reader_->status().role(role).failing_for && error_of(role).find(line) != std::string::npos;
      })) << error_of(role);
    }
    const auto status = sidecar_->status();
    EXPECT_EQ(status["verdict"], "stale");
    EXPECT_NE(status["roles"]["watch"]["last_error"].get<std::string>().find(line), std::string::npos) << status;
    EXPECT_NE(sidecar_->tool({"status"}).out.find(line), std::string::npos);
    EXPECT_NE(run.stderr_text().find(line), std::string::npos) << run.stderr_text();
    EXPECT_EQ(reader_->get("a"), "1") << "the last good configuration went";
    stop(run);
  }

  std::unique_ptr<TlsConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<Reader> reader_;
};

TEST_F(TlsConsulTest, ChangesArriveOverMutualTlsByAddressAndByName) {
  auto* run = &start("1h");
  ASSERT_NO_FATAL_FAILURE(open());
  const auto published = reader_->status().role(format::Role::kWatch).publishes;
  expect_arrival("2");
  EXPECT_EQ(reader_->status().role(format::Role::kWatch).publishes, published + 1) << "its query was not woken";
  EXPECT_EQ(reader_->status().role(format::Role::kWatch).failures, 0U) << sidecar_->logs();
  stop(*run);
  // The names of the certificate, over an address that is not in it.
  consul_->set_server(consul_->authority().issue("named", "DNS:server.dc1.consul"));
  consul_->reload();
  sidecar_->options().variables["SHMCONF_CONSUL_TLS_SERVER_NAME"] = "server.dc1.consul";
  start();
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive)) << sidecar_->logs();
  expect_new_connections();
}

TEST_F(TlsConsulTest, EachFailureOfTheServersCertificateHasItsLineAndTakesNothing) {
  auto& run = start();
  ASSERT_NO_FATAL_FAILURE(open());
  stop(run);
  ASSERT_TRUE(consul_->put("config/web/a", "2"));
  Certificates& authority = consul_->authority();
  Certificates stranger;
  const std::pair<harness::Issued, const char*> cases[] = {
      {authority.issue("expired", TlsConsul::kServerNames, true), "its certificate has expired: renew it"},
      {authority.issue("elsewhere", "IP:127.0.0.2,DNS:other.example"),
       "its certificate is for another host: set consul.tls.server_name"},
      {stranger.issue("strange", TlsConsul::kServerNames),
       "its certificate is from an unknown authority: set consul.tls.ca_file"},
      {authority.self_signed("own", TlsConsul::kServerNames), "its certificate is self-signed"},
  };
  for (const auto& [issued, line] : cases) {
    consul_->set_server(issued);
    consul_->reload();
    expect_failure(line);
  }
  consul_->set_server(authority.issue("again", TlsConsul::kServerNames));
  consul_->reload();
  start();
  EXPECT_TRUE(shows(*reader_, "a", "2")) << sidecar_->logs();
}

TEST_F(TlsConsulTest, EachFailureOfOurCertificateHasItsLineAndTakesNothing) {
  auto& run = start();
  ASSERT_NO_FATAL_FAILURE(open());
  stop(run);
  ASSERT_TRUE(consul_->put("config/web/a", "2"));
  Certificates& authority = consul_->authority();
  Certificates stranger;
  const std::pair<harness::Issued, const char*> cases[] = {
      {authority.issue("expired", "", true), "it refuses our client certificate, which has expired: renew"},
      {stranger.issue("strange", ""), "it refuses our client certificate, which is from '/CN=authority'"},
      {authority.issue({.name = "server-only", .alternative_name = "", .usage = "serverAuth"}),
       "which is not for clients: issue one with the usage clientAuth"},
  };
  for (const auto& [issued, line] : cases) {
    consul_->set_client(issued);
    expect_failure(line);
  }
  Certificates::write_key(consul_->file("client-key.pem"), "EC", "passphrase");
  expect_failure("is encrypted, and nobody is there to give its passphrase");
  const auto complete = sidecar_->options().variables;
  sidecar_->options().variables.erase("SHMCONF_CONSUL_TLS_CERTIFICATE_FILE");
  sidecar_->options().variables.erase("SHMCONF_CONSUL_TLS_KEY_FILE");
  expect_failure("it requires a client certificate: set consul.tls.certificate_file and key_file");
  sidecar_->options().variables = complete;
  consul_->set_client(authority.issue("again", ""));
  start();
  EXPECT_TRUE(shows(*reader_, "a", "2")) << sidecar_->logs();
}

TEST_F(TlsConsulTest, RotatedCertificatesAreUsedWithoutARestart) {
  auto& run = start();
  ASSERT_NO_FATAL_FAILURE(open());
  const pid_t watch = child_of(run, "watch");
  const pid_t heartbeat = child_of(run, "heartbeat");
  const std::string old_authority = text_of(consul_->authority().authority_file());
  Certificates next;

  consul_->set_server(consul_->authority().issue("renewed", TlsConsul::kServerNames));
  consul_->reload();
  expect_new_connections();
  expect_arrival("renewed");

  consul_->set_authorities(old_authority + text_of(next.authority_file()));
  consul_->reload();
  expect_new_connections();
  consul_->set_server(next.issue("server", TlsConsul::kServerNames));
  consul_->reload();
  expect_new_connections();
  expect_arrival("both authorities");
  consul_->set_client(next.issue("client", ""));
  consul_->set_administrator(next.issue("administrator", ""));
  expect_new_connections();
  consul_->set_authorities(text_of(next.authority_file()));
  consul_->reload();
  expect_new_connections();
  expect_arrival("the next authority");
  EXPECT_EQ(reader_->status().role(format::Role::kHeartbeat).failures, 0U) << sidecar_->logs();

  // The watch's connection has lived through all that; now it needs a new one.
  consul_->restart();
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive, 20s)) << sidecar_->logs();
  expect_arrival("after a restart of Consul");
  EXPECT_TRUE(eventually([&] { return !reader_->status().role(format::Role::kWatch).failing_for; }));
  EXPECT_EQ(child_of(run, "watch"), watch);
  EXPECT_EQ(child_of(run, "heartbeat"), heartbeat);
}

TEST_F(TlsConsulTest, AHalfDoneRotationInterruptsNothingAndIsSaid) {
  auto& run = start();
  ASSERT_NO_FATAL_FAILURE(open());
  const auto next = consul_->authority().issue("next", "");
  write_text(consul_->file("client.pem"), text_of(next.certificate_file));
  const std::string line = "'" + consul_->file("client-key.pem") + "' does not belong to consul.tls.certificate_file";
  EXPECT_TRUE(eventually([&] { return error_of(format::Role::kHeartbeat).find(line) != std::string::npos; }))
      << error_of(format::Role::kHeartbeat);
  expect_new_connections();
  // The watch as well, when it has to make a connection.
  consul_->restart();
  EXPECT_TRUE(has_verdict(*reader_, Verdict::kLive, 20s)) << sidecar_->logs();
  EXPECT_TRUE(eventually([&] { return error_of(format::Role::kWatch).find(line) != std::string::npos; }, 20s))
      << error_of(format::Role::kWatch);
  expect_arrival("half");
  EXPECT_NE(run.stderr_text().find(line), std::string::npos);
  write_text(consul_->file("client-key.pem"), text_of(next.key_file));
  EXPECT_TRUE(eventually([&] { return error_of(format::Role::kHeartbeat).empty(); }));
  expect_arrival("whole");
}

TEST_F(TlsConsulTest, AnAddressOfTheWrongSchemeIsSaid) {
  auto& run = start();
  ASSERT_NO_FATAL_FAILURE(open());
  stop(run);
  sidecar_->options().consul = "http://" + consul_->endpoint();
  expect_failure("Consul speaks TLS at consul.address: write https:// there");
  auto plain = harness::RealConsul::start();
  ASSERT_TRUE(plain) << plain.error().text;
  sidecar_->options().consul = "https://127.0.0.1:" + std::to_string((*plain)->port());
  expect_failure("it does not speak TLS there: use http:// or its TLS port");
}

}  // namespace
}  // namespace shmconf::integration
