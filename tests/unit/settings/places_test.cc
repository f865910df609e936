// Default places.

#include "settings/places.h"

#include <gtest/gtest.h>

#include "unit/settings/loading.h"

namespace shmconf::settings {
namespace {

constexpr uid_t kRoot = 0;
constexpr uid_t kUser = 1000;

std::string backup_of(const std::map<std::string, std::string>& variables, uid_t user,
                      const std::string& file = "") {
  Settings settings;
  settings.name = "web";
  settings.backup_file = file;
  const auto place = backup_file(settings, user, environment_of(variables));
  return place ? *place : "error " + std::to_string(static_cast<int>(place.error().code));
}

TEST(Places, RootIsTheUsersOwnUnlessGiven) {
  Settings settings;
  EXPECT_EQ(root_directory(settings, kUser).path, "/dev/shm/shmconf-1000");
  EXPECT_TRUE(root_directory(settings, kUser).is_default);
  settings.directory = "/run/shmconf";
  EXPECT_EQ(root_directory(settings, kUser).path, "/run/shmconf");
  EXPECT_FALSE(root_directory(settings, kUser).is_default);
}

TEST(Places, BackupFollowsTheOrderOfItsPlaces) {
  const std::map<std::string, std::string> all = {
      {"STATE_DIRECTORY", "/state/first:/state/second"}, {"XDG_STATE_HOME", "/xdg"}, {"HOME", "/home/me"}};
  EXPECT_EQ(backup_of(all, kUser, "/given"), "/given");
  EXPECT_EQ(backup_of(all, kUser), "/state/first/web.snapshot");
  EXPECT_EQ(backup_of(all, kRoot), "/state/first/web.snapshot");
  EXPECT_EQ(backup_of({{"XDG_STATE_HOME", "/xdg"}, {"HOME", "/home/me"}}, kRoot),
            "/var/lib/shmconf/web.snapshot");
  EXPECT_EQ(backup_of({{"XDG_STATE_HOME", "/xdg"}, {"HOME", "/home/me"}}, kUser),
            "/xdg/shmconf/web.snapshot");
  EXPECT_EQ(backup_of({{"HOME", "/home/me"}}, kUser), "/home/me/.local/state/shmconf/web.snapshot");
}

TEST(Places, RelativeAndEmptyVariablesAreIgnored) {
  EXPECT_EQ(backup_of({{"STATE_DIRECTORY", ""}, {"XDG_STATE_HOME", "xdg"}, {"HOME", "/h"}}, kUser),
            "/h/.local/state/shmconf/web.snapshot");
  EXPECT_EQ(backup_of({}, kUser), "error " + std::to_string(static_cast<int>(ErrorCode::kInvalid)));
}

TEST(Places, ProcessEnvironmentTellsUnsetFromEmpty) {
  const Environment environment = process_environment();
  EXPECT_FALSE(environment("SHMCONF_SURELY_NOT_SET_ANYWHERE"));
  EXPECT_TRUE(environment("PATH"));
}

}  // namespace
}  // namespace shmconf::settings
