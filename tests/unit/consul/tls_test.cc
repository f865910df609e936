// TLS: who is trusted, who is not, and one clear line for each way to fail.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "consul/client.h"
#include "consul/credentials.h"
#include "consul/status_text.h"
#include "harness/certificates.h"
#include "unit/consul/asking.h"
#include "unit/consul/scripted_server.h"

namespace shmconf::consul {
namespace {

using namespace std::chrono_literals;
using harness::Certificates;
using harness::Issued;
namespace fs = std::filesystem;

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

  void show(const Issued& issued) {
    settings_.tls.certificate_file = issued.certificate_file;
    settings_.tls.key_file = issued.key_file;
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
    show(certificates_.self_signed("stranger", ""));
    expect_failure(server, ErrorCode::kDenied, "refuses our client certificate, which is from '/CN=stranger'");
    show(certificates_.issue("old", "", true));
    expect_failure(server, ErrorCode::kDenied, "refuses our client certificate, which has expired");
    show(certificates_.issue({.name = "not-for-clients", .alternative_name = "", .usage = "serverAuth"}));
    expect_failure(server, ErrorCode::kDenied, "issue one with the usage clientAuth");
    show(certificates_.issue("mine", ""));
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

TEST_F(TlsTest, WithoutVerificationARefusalIsNotTakenForOurs) {
  settings_.tls.verify = false;
  ServerTls server = identity(certificates_.self_signed("own", ""));
  server.client_ca_file = certificates_.authority_file();
  expect_failure(server, ErrorCode::kDenied, "requires a client certificate");
}

TEST_F(TlsTest, OffersHttp11Alone) {
  settings_.tls.ca_file = certificates_.authority_file();
  std::string protocol;
  {
    const auto tell = [&](Peer& peer) {
      protocol = peer.protocol();
      answer_all(peer);
    };
    ScriptedServer server({tell}, identity(certificates_.issue("server", "IP:127.0.0.1")));
    settings_.address = "https://" + server.address();
    Client client(io_, settings_);
    auto answer = ask(io_, client, prefix_query());
    ASSERT_TRUE(answer.ok()) << error_text(answer);
  }
  EXPECT_EQ(protocol, "http/1.1");
}

TEST_F(TlsTest, TakesEveryPemFileOfADirectory) {
  const auto server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  settings_.tls.ca_path = certificates_.directory() / "trusted";
  expect_failure(server, ErrorCode::kInvalid, "consul.tls.ca_path");
  fs::create_directory(settings_.tls.ca_path);
  std::ofstream(fs::path(settings_.tls.ca_path) / "README") << "Authorities go here.\n";
  expect_failure(server, ErrorCode::kInvalid, "holds no PEM certificate");
  // Mounted as secrets are: links, and none with the name of a hash.
  fs::create_symlink(certificates_.authority_file(), fs::path(settings_.tls.ca_path) / "consul-ca.crt");
  auto answer = ask_server(server);
  EXPECT_TRUE(answer.ok()) << error_text(answer);
}

TEST_F(TlsTest, ReadsRotatedCertificatesOnTheNextConnection) {
  const auto server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  const fs::path trusted = certificates_.directory() / "trusted.pem";
  fs::copy_file(certificates_.self_signed("old", "").certificate_file, trusted);
  settings_.tls.ca_file = trusted;
  ScriptedServer scripted({answer_all, answer_all}, server);
  settings_.address = "https://" + scripted.address();
  Client client(io_, settings_);
  ASSERT_FALSE(ask(io_, client, prefix_query()).ok());
  fs::copy_file(certificates_.authority_file(), trusted,
                             fs::copy_options::overwrite_existing);
  auto answer = ask(io_, client, prefix_query());
  EXPECT_TRUE(answer.ok()) << error_text(answer);
}

TEST_F(TlsTest, BetweenTheHalvesOfARotationTheLastGoodCertificateIsShown) {
  ServerTls server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  server.client_ca_file = certificates_.authority_file();
  settings_.tls.ca_file = certificates_.authority_file();
  const auto mine = certificates_.issue("mine", "");
  const auto next = certificates_.issue("next", "");
  show(mine);
  ScriptedServer scripted(std::vector<ScriptedServer::Script>(3, answer_all), server);
  settings_.address = "https://" + scripted.address();
  const auto credentials = std::make_shared<Credentials>(settings_);
  const auto answers_anew = [&] {
    Client client(io_, settings_, Limits(), credentials);
    auto answer = ask(io_, client, prefix_query());
    EXPECT_TRUE(answer.ok()) << error_text(answer);
  };
  answers_anew();
  EXPECT_EQ(credentials->trouble(), "");
  fs::rename(next.certificate_file, mine.certificate_file);
  answers_anew();
  EXPECT_NE(credentials->trouble().find("'" + mine.key_file + "' does not belong to"), std::string::npos)
      << credentials->trouble();
  fs::rename(next.key_file, mine.key_file);
  EXPECT_EQ(credentials->trouble(), "") << "without another connection";
  answers_anew();
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
  expect_failure(server, ErrorCode::kInvalid, "does not belong to consul.tls.certificate_file");
  Certificates::write_key(settings_.tls.key_file, "ED25519");
  expect_failure(server, ErrorCode::kInvalid, "does not belong to consul.tls.certificate_file");
  Certificates::write_key(settings_.tls.key_file, "EC", "passphrase");
  expect_failure(server, ErrorCode::kInvalid, "is encrypted");
  std::ofstream(settings_.tls.key_file) << "junk\n";
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

TEST_F(TlsTest, RefusesWhatIsOlderThanTls12) {
  settings_.tls.ca_file = certificates_.authority_file();
  ServerTls server = identity(certificates_.issue("server", "IP:127.0.0.1"));
  server.only_tls_1_1 = true;
  expect_failure(server, ErrorCode::kUnavailable, "nothing newer than TLS 1.1");
}

TEST_F(TlsTest, SaysWhenThereIsTls) {
  // An alert, as OpenSSL's servers answer it; Go's server and nginx have words for it.
  for (const std::string& reply :
       {std::string("\x15\x03\x01\x00\x02\x02\x46", 7),
        std::string("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"),
        std::string("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
                    "<title>400 The plain HTTP request was sent to HTTPS port</title>")}) {
    ScriptedServer server({[&](Peer& peer) {
      peer.read_request();
      peer.send(reply);
    }});
    settings_.address = "http://" + server.address();
    Client client(io_, settings_);
    auto answer = ask(io_, client, prefix_query());
    const auto error = answer ? status_error(*answer, prefix_query().source) : std::optional(answer.error());
    ASSERT_TRUE(error);
    EXPECT_NE(error->text.find("write https:// there"), std::string::npos) << error->text;
  }
}

TEST_F(TlsTest, AHandshakeThatIsHungUpOnPointsToThePort) {
  ScriptedServer server({[](Peer&) {}});
  settings_.address = "https://" + server.address();
  Client client(io_, settings_);
  auto answer = ask(io_, client, prefix_query());
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(error_text(answer).find("check that it is Consul's TLS port"), std::string::npos) << error_text(answer);
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
