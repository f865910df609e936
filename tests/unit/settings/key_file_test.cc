// The key file of an encrypted backup: which files are taken, and what is said of the others.

#include "settings/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/temp_directory.h"

namespace shmconf::settings {
namespace {

const std::string kKey = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

class KeyFileTest : public ::testing::Test {
 protected:
  void write(const std::string& text, mode_t mode = 0600) {
    std::filesystem::remove(path_);
    std::ofstream(path_, std::ios::binary) << text;
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
  }
  // What is said, which must name the file, be one line and repeat nothing of it.
  std::string refused(ErrorCode code) {
    const auto keys = read_key_file(path_);
    if (keys) return "accepted";
    EXPECT_EQ(keys.error().code, code) << keys.error().text;
    EXPECT_NE(keys.error().text.find(path_), std::string::npos);
    EXPECT_EQ(keys.error().text.find('\n'), std::string::npos);
    EXPECT_EQ(keys.error().text.find("0001"), std::string::npos);
    return keys.error().text;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  harness::TempDirectory directory_;
  const std::string path_ = directory_ / "backup.key";
};

TEST_F(KeyFileTest, EachLineIsAKey) {
  for (const std::string& text : {kKey, kKey + "\n", kKey + "\r\n\n"}) {
    write(text);
    const auto keys = read_key_file(path_);
    ASSERT_TRUE(keys) << keys.error().text;
    ASSERT_EQ(keys->size(), 1u);
    for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(keys->front().bytes[i], i);
  }
  write(std::string(64, 'f') + "\n" + kKey + "\n");
  const auto keys = read_key_file(path_);
  ASSERT_TRUE(keys) << keys.error().text;
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ(keys->front().bytes[0], 0xff);
  EXPECT_EQ(keys->back().bytes[31], 31);
}

TEST_F(KeyFileTest, AnythingElseIsRefusedWithAWayToMakeOne) {
  const std::string cases[] = {"", "\n", kKey.substr(1), kKey + "0", " " + kKey, kKey + " ", "g" + kKey.substr(1),
                               std::string(32, '\1'), kKey + "\nrest", std::string(5000, '0'), kKey + '\0'};
  for (const std::string& text : cases) {
    write(text);
    EXPECT_TRUE(has(refused(ErrorCode::kInvalid), "openssl rand -hex 32")) << text;
  }
}

TEST_F(KeyFileTest, OneThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0640u, 0604u, 0660u, 0602u, 0610u}) {
    write(kKey, mode);
    EXPECT_TRUE(has(refused(ErrorCode::kDenied), "chmod 600")) << std::oct << mode;
  }
  for (const mode_t mode : {0600u, 0400u}) {
    write(kKey, mode);
    EXPECT_TRUE(read_key_file(path_)) << std::oct << mode;
  }
}

TEST_F(KeyFileTest, WhatIsNoFileIsRefusedAndNotWaitedFor) {
  EXPECT_TRUE(has(refused(ErrorCode::kDenied), "cannot be opened"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(has(refused(ErrorCode::kDenied), "not a regular file"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_TRUE(has(refused(ErrorCode::kDenied), "not a regular file"));
}

}  // namespace
}  // namespace shmconf::settings
