// TokenFile: rotation is noticed, and no failure tells the token.
#include "consul/token_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace shmconf::consul {
namespace {

class TokenFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "shmconf-token-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name, std::ios::binary | std::ios::trunc) << text;
    return directory_ / name;
  }

  std::filesystem::path directory_;
};

TEST_F(TokenFileTest, TrimsAndRereads) {
  const std::string path = write("token", "  first-token\r\n");
  TokenFile file(path);
  EXPECT_EQ(*file.current(), "first-token");
  EXPECT_EQ(*file.current(), "first-token");
  write("token", "second\n");  // another size
  EXPECT_EQ(*file.current(), "second");
  write("next", "thirds\n");  // the same size, another inode
  std::filesystem::rename(directory_ / "next", path);
  EXPECT_EQ(*file.current(), "thirds");
  write("token", "fourth\n");  // the same size and inode, another time
  const struct timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 1}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_EQ(*file.current(), "fourth");
}

TEST_F(TokenFileTest, FollowsLinksAsMountedSecretsUseThem) {
  write("data", "linked\n");
  std::filesystem::create_symlink("data", directory_ / "token");
  EXPECT_EQ(*TokenFile(directory_ / "token").current(), "linked");
}

TEST_F(TokenFileTest, NamesTheFileAndNotItsContent) {
  const auto expect = [&](const std::string& path, ErrorCode code, const char* part) {
    auto token = TokenFile(path).current();
    ASSERT_FALSE(token.ok()) << path;
    EXPECT_EQ(token.error().code, code) << token.error().text;
    EXPECT_NE(token.error().text.find(path), std::string::npos) << token.error().text;
    EXPECT_NE(token.error().text.find(part), std::string::npos) << token.error().text;
    EXPECT_EQ(token.error().text.find("s3cret"), std::string::npos) << token.error().text;
  };
  expect(directory_ / "none", ErrorCode::kInvalid, "No such file");
  expect(write("empty", "\n"), ErrorCode::kInvalid, "is empty");
  expect(write("lines", "s3cret\r\nX-Other: s3cret\n"), ErrorCode::kInvalid, "no token has");
  expect(write("large", std::string(5000, 's')), ErrorCode::kInvalid, "too large");
  expect(directory_, ErrorCode::kInvalid, "not a file");
  std::filesystem::create_symlink("loop", directory_ / "loop");
  expect(directory_ / "loop", ErrorCode::kDenied, "");
}

TEST_F(TokenFileTest, WhatCannotBeUsedLeavesTheLastTokenAndSaysSo) {
  const std::string path = write("token", "one\n");
  TokenFile file(path);
  EXPECT_EQ(*file.current(), "one");
  EXPECT_EQ(file.trouble(), "");
  const auto expect_last = [&](const char* part) {
    auto token = file.current();
    ASSERT_TRUE(token.ok()) << part << ": " << token.error().text;
    EXPECT_EQ(*token, "one") << part;
    EXPECT_NE(file.trouble().find(path), std::string::npos) << file.trouble();
    EXPECT_NE(file.trouble().find(part), std::string::npos) << file.trouble();
    EXPECT_EQ(file.trouble().find("s3cret"), std::string::npos) << file.trouble();
  };
  write("token", "");
  expect_last("is empty");
  write("token", "s3cret\ns3cret-too\n");
  expect_last("no token has");
  write("token", "s3cret\x01\n");
  expect_last("no token has");
  std::filesystem::remove(path);
  expect_last("No such file");
  std::filesystem::create_directory(path);
  expect_last("not a file");
  std::filesystem::remove(path);
  std::filesystem::create_symlink("token", path);
  expect_last("symbolic links");
  std::filesystem::remove(path);
  write("token", "two\n");
  EXPECT_EQ(*file.current(), "two");
  EXPECT_EQ(file.trouble(), "");
}

}  // namespace
}  // namespace shmconf::consul
