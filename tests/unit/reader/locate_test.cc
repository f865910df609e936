#include "reader/locate.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace shmconf::reader {
namespace {

// Sets variables for one test, and puts back what was there.
class Environment {
 public:
  ~Environment() {
    for (const auto& [name, value] : before_) put(name, value);
  }
  void set(const std::string& name, std::optional<std::string> value) {
    const char* was = ::getenv(name.c_str());
    before_.try_emplace(name, was != nullptr ? std::optional<std::string>(was) : std::nullopt);
    put(name, value);
  }

 private:
  static void put(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
  std::map<std::string, std::optional<std::string>> before_;
};

class Locate : public ::testing::Test {
 protected:
  Locate() {
    for (const char* name : {"SHMCONF_NAME", "SHMCONF_DIR", "SHMCONF_BACKUP", "STATE_DIRECTORY", "XDG_STATE_HOME"}) {
      environment.set(name, std::nullopt);
    }
  }
  Environment environment;
};

TEST_F(Locate, NamesBeginWithALetterOrDigit) {
  for (const char* good : {"a", "Z", "0", "web-1", "a.b_c-D", "0..", "x--"}) EXPECT_TRUE(is_name(good)) << good;
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
  for (const char* bad : {"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "../a", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(is_name(bad)) << bad;
    EXPECT_EQ(locate(bad, {}).error().code, ErrorCode::kInvalid) << bad;
  }
  EXPECT_FALSE(is_name(std::string_view("a\0b", 3)));
}

TEST_F(Locate, TheRootIsTheCallersThenTheEnvironmentsThenTheDefault) {
  const std::string fallback = "/dev/shm/shmconf-" + std::to_string(::geteuid());
  EXPECT_EQ(locate("web", {}).value().root, fallback);
  EXPECT_TRUE(locate("web", {}).value().root_is_default);
  environment.set("SHMCONF_DIR", "/run/from-environment/");
  EXPECT_EQ(locate("web", {}).value().root, "/run/from-environment");
  EXPECT_FALSE(locate("web", {}).value().root_is_default);
  EXPECT_EQ(locate("web", {.directory = "/run/mine"}).value().root, "/run/mine");
  EXPECT_FALSE(locate("web", {.directory = fallback}).value().root_is_default);
  EXPECT_EQ(locate("web", {.directory = "relative"}).value().root,
            std::filesystem::current_path().string() + "/relative");
  environment.set("SHMCONF_DIR", "");
  EXPECT_TRUE(locate("web", {}).value().root_is_default);
}

TEST_F(Locate, AnEmptyNameIsTheEnvironments) {
  EXPECT_EQ(locate("", {}).error().code, ErrorCode::kInvalid);
  environment.set("SHMCONF_NAME", "api");
  EXPECT_EQ(locate("", {}).value().name, "api");
  EXPECT_EQ(locate("web", {}).value().name, "web");
  environment.set("SHMCONF_NAME", "../api");
  EXPECT_EQ(locate("", {}).error().code, ErrorCode::kInvalid);
}

// Names and paths that would lead elsewhere, or that would spoil the line of an error.
TEST_F(Locate, WhateverBytesANameOrAPathHolds) {
  const std::string nul(1, '\0');
  for (const std::string& name :
       {std::string(".."), std::string("."), std::string("../web"), std::string("web/.."), std::string("/web"), "web" + nul,
        nul, std::string("web\n"), std::string("web\x1b[2J"), std::string(".web"), std::string("-web"),
        std::string(65, 'a'), std::string(4'000, 'a'), std::string("w\xc3\xa9" "b"), std::string("web ")}) {
    const auto located = locate(name, {.directory = "/run/mine"});
    ASSERT_FALSE(located) << name;
    EXPECT_EQ(located.error().code, ErrorCode::kInvalid);
    EXPECT_LT(located.error().text.size(), 600u);
    for (const char c : located.error().text) EXPECT_TRUE(c >= 0x20 || static_cast<signed char>(c) < 0) << name;
    EXPECT_FALSE(Reader::open(name, {.directory = "/run/mine"}));
  }
  EXPECT_TRUE(locate(std::string(64, 'a'), {.directory = "/run/mine"}));
  const std::string cut = "/run/mine" + nul + "/elsewhere";
  EXPECT_EQ(Reader::open("web", {.directory = cut}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Reader::open("web", {.directory = "/run", .backup_file = cut}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Reader::open_directory(cut).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Reader::open_backup(cut).error().code, ErrorCode::kInvalid);
  // Not there, or too long for the kernel: said in one line.
  for (const std::string& path : {std::string("/none/a\nb\x1b"), "/none/" + std::string(5'000, 'a')}) {
    for (const auto& reader : {Reader::open("web", {.directory = path, .allow_backup = false}), Reader::open_backup(path)}) {
      ASSERT_FALSE(reader);
      EXPECT_EQ(reader.error().text.find('\n'), std::string::npos) << reader.error().text;
      EXPECT_EQ(reader.error().text.find('\x1b'), std::string::npos) << reader.error().text;
    }
  }
}

TEST_F(Locate, ADirectoryIsARootAndAName) {
  const Location location = locate_directory("/run/shm/web/").value();
  EXPECT_EQ(location.root, "/run/shm");
  EXPECT_EQ(location.name, "web");
  EXPECT_FALSE(location.root_is_default);
  EXPECT_EQ(locate_directory("/web").value().root, "/");
  EXPECT_EQ(locate_directory("web").value().root, std::filesystem::current_path().string());
  for (const char* bad : {"/", "/run/..", "/run/.hidden"}) {
    EXPECT_EQ(locate_directory(bad).error().code, ErrorCode::kInvalid) << bad;
  }
}

TEST_F(Locate, TheBackupIsTheCallersThenTheSegmentsThenTheEnvironments) {
  environment.set("SHMCONF_BACKUP", "/e/file");
  EXPECT_EQ(locate_backup("web", "/c/file", "/s/file").file, "/c/file");
  EXPECT_FALSE(locate_backup("web", "/c/file", "/s/file").is_default);
  EXPECT_EQ(locate_backup("web", "", "/s/file").file, "/s/file");
  EXPECT_TRUE(locate_backup("web", "", "/s/file").is_default);
  EXPECT_EQ(locate_backup("web", "", "").file, "/e/file");
  EXPECT_FALSE(locate_backup("web", "", "").is_default);
}

TEST_F(Locate, TheDefaultPlaceOfTheBackup) {
  environment.set("HOME", "/home/me");
  if (::geteuid() == 0) {
    EXPECT_EQ(locate_backup("web", "", "").file, "/var/lib/shmconf/web.snapshot");
  } else {
    EXPECT_EQ(locate_backup("web", "", "").file, "/home/me/.local/state/shmconf/web.snapshot");
    environment.set("XDG_STATE_HOME", "/state");
    EXPECT_EQ(locate_backup("web", "", "").file, "/state/shmconf/web.snapshot");
  }
  EXPECT_TRUE(locate_backup("web", "", "").is_default);
  environment.set("STATE_DIRECTORY", "/var/lib/unit:/var/lib/other");
  EXPECT_EQ(locate_backup("web", "", "").file, "/var/lib/unit/web.snapshot");
}

}  // namespace
}  // namespace shmconf::reader
