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
