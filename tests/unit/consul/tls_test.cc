// TLS: who is trusted, who is not, and one clear line for each way to fail.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "consul/client.h"
#include "unit/consul/asking.h"
#include "unit/consul/certificates.h"
#include "unit/consul/scripted_server.h"

namespace shmconf::consul {
namespace {

using namespace std::chrono_literals;

class TlsTest : public ::testing::Test {
 protected:
  static void answer_all(Peer& peer) {
    while (!peer.read_request().empty()) peer.send(plain_answer("[]", 21));
  }

  // One query to a new server with this identity.
  Result<Answer> ask_server(ServerTls identity) {
    ScriptedServer server({answer_all}, std::move(identity));
    settings_.address = "https://" + server.address();
    Client client(io_, settings_);
    return ask(io_, client, prefix_query());
  }

  void expect_failure(const ServerTls& identity, ErrorCode code, const char* part) {
    auto answer = ask_server(identity);
    ASSERT_FALSE(answer.ok()) << part;
    EXPECT_EQ(answer.error().code, code) << error_text(answer);
    EXPECT_NE(error_text(answer).find(part), std::string::npos) << error_text(answer);
  }

  static ServerTls identity(const Issued& issued) { return {issued.certificate_file, issued.key_file, {}}; }

  Certificates certificates_;
  settings::Consul settings_;
  boost::asio::io_context io_;
};

TEST_F(TlsTest, TrustsTheGivenAuthority) {
  settings_.tls.ca_file = certificates_.authority_file();
  for (const bool old : {false, true}) {
    ServerTls server = identity(certificates_.issue("server", "IP:127.0.0.1"));
    server.only_tls_1_2 = old;
    auto answer = ask_server(server);
    ASSERT_TRUE(answer.ok()) << error_text(answer);
    EXPECT_EQ(answer->index, 21u);
  }
}

TEST_F(TlsTest, TrustsNobodyElse) {
  const auto server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  expect_failure(server, ErrorCode::kUnavailable, "unknown authority: set consul.tls.ca_file");
  const auto own = identity(certificates_.self_signed("own", "IP:127.0.0.1"));
  settings_.tls.ca_file = certificates_.authority_file();
  expect_failure(own, ErrorCode::kUnavailable, "self-signed");
  settings_.tls.verify = false;
  EXPECT_TRUE(ask_server(own).ok()) << "verification off is the operator's choice";
}

TEST_F(TlsTest, NamesExpiryAndTheWrongHost) {
  settings_.tls.ca_file = certificates_.authority_file();
  expect_failure(identity(certificates_.issue("old", "IP:127.0.0.1", true)), ErrorCode::kUnavailable,
                 "has expired");
  const auto other = identity(certificates_.issue("other", "DNS:server.dc1.consul,IP:127.0.0.2"));
  expect_failure(other, ErrorCode::kUnavailable, "is for another host");
  settings_.tls.server_name = "client.dc1.consul";
  expect_failure(other, ErrorCode::kUnavailable, "is for another host");
  settings_.tls.server_name = "server.dc1.consul";
  EXPECT_TRUE(ask_server(other).ok());
}

TEST_F(TlsTest, ShowsAClientCertificateWhenOneIsRequired) {
  settings_.tls.ca_file = certificates_.authority_file();
  for (const bool old : {false, true}) {
    ServerTls server = identity(certificates_.issue("server", "IP:127.0.0.1"));
    server.client_ca_file = certificates_.authority_file();
    server.only_tls_1_2 = old;
    settings_.tls.certificate_file.clear();
    settings_.tls.key_file.clear();
    expect_failure(server, ErrorCode::kDenied, "requires a client certificate");
    const auto stranger = certificates_.self_signed("stranger", "");
    settings_.tls.certificate_file = stranger.certificate_file;
    settings_.tls.key_file = stranger.key_file;
    expect_failure(server, ErrorCode::kDenied, "refuses our client certificate");
    const auto mine = certificates_.issue("mine", "");
    settings_.tls.certificate_file = mine.certificate_file;
    settings_.tls.key_file = mine.key_file;
    auto answer = ask_server(server);
    EXPECT_TRUE(answer.ok()) << error_text(answer);
  }
}

TEST_F(TlsTest, GuessesWhenTheRefusalItselfIsLost) {
  settings_.tls.ca_file = certificates_.authority_file();
  // With TLS 1.3 a refusal comes after our handshake; its alert can drown in the reset of the connection.
  const auto hang_up = [](Peer& peer) {
    peer.read_request();
    peer.reset();
  };
  ScriptedServer server({hang_up}, identity(certificates_.issue("server", "IP:127.0.0.1")));
  settings_.address = "https://" + server.address();
  Client client(io_, settings_);
  auto answer = ask(io_, client, prefix_query());
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(error_text(answer).find("if it requires a client certificate"), std::string::npos)
      << error_text(answer);
}

TEST_F(TlsTest, ReadsRotatedCertificatesOnTheNextConnection) {
  const auto server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  const std::filesystem::path trusted = certificates_.directory() / "trusted.pem";
  std::filesystem::copy_file(certificates_.self_signed("old", "").certificate_file, trusted);
  settings_.tls.ca_file = trusted;
  ScriptedServer scripted({answer_all, answer_all}, server);
  settings_.address = "https://" + scripted.address();
  Client client(io_, settings_);
  ASSERT_FALSE(ask(io_, client, prefix_query()).ok());
  std::filesystem::copy_file(certificates_.authority_file(), trusted,
                             std::filesystem::copy_options::overwrite_existing);
  auto answer = ask(io_, client, prefix_query());
  EXPECT_TRUE(answer.ok()) << error_text(answer);
}

TEST_F(TlsTest, NamesTheFileThatCannotBeUsed) {
  const auto server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  settings_.tls.ca_file = certificates_.directory() / "none.pem";
  expect_failure(server, ErrorCode::kInvalid, "consul.tls.ca_file");
  settings_.tls.ca_file = certificates_.authority_file();
  settings_.tls.certificate_file = certificates_.directory() / "junk.pem";
  std::ofstream(settings_.tls.certificate_file) << "junk\n";
  expect_failure(server, ErrorCode::kInvalid, "consul.tls.certificate_file");
  const auto mine = certificates_.issue("mine", "");
  settings_.tls.certificate_file = mine.certificate_file;
  settings_.tls.key_file = certificates_.issue("other", "").key_file;
  expect_failure(server, ErrorCode::kInvalid, "consul.tls.key_file");
}

TEST_F(TlsTest, SaysWhenThereIsNoTls) {
  ScriptedServer server({[](Peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); }});
  settings_.address = "https://" + server.address();
  Client client(io_, settings_);
  auto answer = ask(io_, client, prefix_query());
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(error_text(answer).find("does not speak TLS"), std::string::npos) << error_text(answer);
}

TEST_F(TlsTest, TheHandshakeHasADeadline) {
  ScriptedServer server({[](Peer& peer) { peer.wait_for_end(); }});
  settings_.address = "https://" + server.address();
  settings_.connect_timeout = 60ms;
  Client client(io_, settings_);
  auto answer = ask(io_, client, prefix_query());
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kTimeout) << error_text(answer);
}

}  // namespace
}  // namespace shmconf::consul
