#include "supervisor/environment.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace shmconf::supervisor {
namespace {

bool has(const Environment& environment, const std::string& entry) {
  return std::find(environment.begin(), environment.end(), entry) != environment.end();
}

const Environment kEverything = {
    "PATH=/bin",
    "EMPTY=",
    "CONSUL_HTTP_ADDR=127.0.0.1:8500",
    "CONSUL_HTTP_TOKEN=s1",
    "CONSUL_HTTP_TOKEN_FILE=/etc/s2",
    "CONSUL_HTTP_AUTH=user:s3",
    "CONSUL_CLIENT_KEY=/etc/s4",
    "SHMCONF_CONSUL_TOKEN=s5",
    "SHMCONF_CONSUL_TOKEN_FILE=/etc/s6",
    "SHMCONF_CONSUL_HTTP_AUTH=user:s7",
    "SHMCONF_CONSUL_TLS_KEY_FILE=/etc/s8",
    "SHMCONF_NAME=earlier",
    "SHMCONF_DIR=/earlier",
    "SHMCONF_PREFIXES=config/web/",
    "NOTIFY_SOCKET=@n",
    "WATCHDOG_USEC=1000",
    "WATCHDOG_PID=1",
    "LISTEN_FDS=1",
    "LISTEN_PID=4",
    "CONSUL_HTTP_TOKENS=not one of ours",
};

TEST(CommandEnvironment, HoldsNoSecretOfTheSidecar) {
  const Environment environment = command_environment(kEverything, "web", "/run/conf");
  for (const std::string& entry : environment) {
    for (char digit = '1'; digit <= '8'; ++digit) {
      EXPECT_EQ(entry.find(std::string("s") + digit), std::string::npos) << entry;
    }
  }
}

TEST(CommandEnvironment, SaysWhereTheConfigurationIs) {
  const Environment environment = command_environment(kEverything, "web", "/run/conf");
  EXPECT_TRUE(has(environment, "SHMCONF_NAME=web"));
  EXPECT_TRUE(has(environment, "SHMCONF_DIR=/run/conf"));
  EXPECT_FALSE(has(environment, "SHMCONF_NAME=earlier"));
  EXPECT_FALSE(has(environment, "SHMCONF_DIR=/earlier"));
}

TEST(CommandEnvironment, KeepsEverythingElse) {
  const Environment environment = command_environment(kEverything, "web", "/run/conf");
  for (const char* entry : {"PATH=/bin", "EMPTY=", "CONSUL_HTTP_ADDR=127.0.0.1:8500", "LISTEN_FDS=1",
                            "LISTEN_PID=4", "CONSUL_HTTP_TOKENS=not one of ours"}) {
    EXPECT_TRUE(has(environment, entry)) << entry;
  }
}

TEST(CommandEnvironment, LeavesTheUnitsNotificationsToExec) {
  const Environment environment = command_environment(kEverything, "web", "/run/conf");
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    EXPECT_EQ(variable(environment, name), "") << name;
  }
}

TEST(SidecarEnvironment, HoldsNoSettingsAndNothingForTheSupervisor) {
  EXPECT_EQ(sidecar_environment(kEverything),
            (Environment{"PATH=/bin", "EMPTY=", "CONSUL_HTTP_TOKENS=not one of ours"}));
}

TEST(Variable, IsFoundByItsWholeName) {
  const Environment environment = {"AB=1", "A=2", "B", "C="};
  EXPECT_EQ(variable(environment, "A"), "2");
  EXPECT_EQ(variable(environment, "B"), "");
  EXPECT_EQ(variable(environment, "C"), "");
  EXPECT_EQ(variable(environment, "D"), "");
}

}  // namespace
}  // namespace shmconf::supervisor
