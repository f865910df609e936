// Where the server may listen, and who may connect there.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "harness/free_port.h"
#include "harness/temp_directory.h"
#include "http/raw_client.h"
#include "http/server.h"

namespace shmconf::http {
namespace {

using settings::examine_listen_address;
using settings::ListenAddress;
using settings::parse_listen_address;

TEST(ListenAddress, TakesLoopbackAddressesAndSockets) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8501")->port, 8501);
  EXPECT_EQ(parse_listen_address("127.3.2.1:1")->host, "127.3.2.1");
  EXPECT_EQ(parse_listen_address("localhost:80")->host, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("[::1]:65535")->host, "::1");
  EXPECT_EQ(parse_listen_address("unix:/run/web.http")->path, "/run/web.http");
  EXPECT_EQ(parse_listen_address("unix:///run/web.http")->path, "/run/web.http");
  EXPECT_EQ(parse_listen_address("unix:web.http")->path, "web.http");
}

TEST(ListenAddress, RefusesTheRestAndSaysWhatToWrite) {
  for (const char* text : {"", "8501", ":8501", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:80 ", "0.0.0.0:80", "10.0.0.1:80", "[::]:80", "::1:80", "[::1]",
                           "example.com:80", "http://127.0.0.1:80", "unix:", "unix://", "127.0.0.1:80/x"}) {
    const auto complaint = examine_listen_address(text);
    ASSERT_TRUE(complaint) << text;
    EXPECT_NE(complaint->hint.find("unix:PATH"), std::string::npos) << text;
  }
  EXPECT_TRUE(examine_listen_address("unix:/" + std::string(107, 'x')));
  EXPECT_FALSE(examine_listen_address("unix:/" + std::string(106, 'x')));
}

class Listening : public ::testing::Test {
 protected:
  harness::TempDirectory folder_;
  ListenAddress socket_{.path = folder_ / "http", .host = {}, .port = 0};
};

TEST_F(Listening, ASocketIsItsOwnersAlone) {
  const auto listening = listen_at(socket_, "");
  ASSERT_TRUE(listening) << listening.error().text;
  struct stat info {};
  ASSERT_EQ(::stat(socket_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(Listening, ADeadProcesssSocketIsReplacedAndALivingOnesIsNot) {
  {
    const auto first = listen_at(socket_, "");
    ASSERT_TRUE(first);
    const auto second = listen_at(socket_, "");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(second.error().text.find("choose another --http"), std::string::npos) << second.error().text;
  }
  const auto third = listen_at(socket_, "");
  EXPECT_TRUE(third) << third.error().text;
}

TEST_F(Listening, AFileThatIsNoSocketStays) {
  std::ofstream(socket_.path) << "precious";
  const auto listening = listen_at(socket_, "");
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ErrorCode::kDenied);
  std::string text;
  std::getline(std::ifstream(socket_.path), text);
  EXPECT_EQ(text, "precious");
}

TEST_F(Listening, AGroupThatDoesNotExistIsNamed) {
  const auto listening = listen_at(socket_, "no-such-group");
  ASSERT_FALSE(listening);
  EXPECT_NE(listening.error().text.find("no-such-group"), std::string::npos);
}

TEST(ListeningOnPort, APortInUseIsNamed) {
  const ListenAddress any{.path = {}, .host = "127.0.0.1", .port = harness::HeldPort().number()};
  const auto first = listen_at(any, "");
  ASSERT_TRUE(first) << first.error().text;
  const auto second = listen_at(any, "");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace shmconf::http
