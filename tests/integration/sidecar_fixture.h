// SidecarTest: a real Consul, a root directory and the real binary, for tests of run and exec.
//
// Everything is the test's own: several may run at once. What it starts ends with it.
#ifndef SHMCONF_TESTS_INTEGRATION_SIDECAR_FIXTURE_H_
#define SHMCONF_TESTS_INTEGRATION_SIDECAR_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "harness/process.h"
#include "harness/temp_directory.h"
#include "shmconf/reader.h"

namespace shmconf::integration {

class SidecarTest : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  // Chooses Consul's ports; nothing runs yet.
  SidecarTest();

  void start_consul();
  void put(const std::string& key, const std::string& value);  // below config/web/

  // "shmconf COMMAND" for name web, with this test's places, and these flags.
  [[nodiscard]] Words sidecar(const std::string& command, const Words& flags = {}) const;
  // The same as exec of a command.
  [[nodiscard]] Words exec(const Words& command, const Words& flags = {}) const;
  // Flags with which this user may look into the sidecar's processes under /proc; root always may.
  static Words open_to_this_user();
  // A process; fails the test when it cannot be started.
  static harness::Process spawn(const harness::Command& command);
  static harness::Process spawn(const Words& argv) { return spawn(with(argv)); }
  // argv with these variables on top of this process's environment.
  static harness::Command with(const Words& argv, const std::map<std::string, std::string>& environment = {});
  // A supervisor that has published key "k" (which this puts, as "v").
  harness::Process run_published(const Words& flags = {});

  [[nodiscard]] Result<Reader> open() const;
  // The value as a reader that opens now sees it.
  [[nodiscard]] std::optional<std::string> value(const std::string& key) const;
  [[nodiscard]] bool becomes(const std::string& key, const std::string& value,
                             std::chrono::milliseconds limit = std::chrono::seconds(20)) const;
  [[nodiscard]] RoleStatus role(format::Role role) const;

  // Whether the file comes to hold text.
  static bool holds(const std::string& file, const std::string& text,
                    std::chrono::milliseconds limit = std::chrono::seconds(20));
  static std::string content(const std::string& file);
  static void write(const std::string& file, const std::string& text);

  harness::RealConsul consul_;
  harness::TempDirectory root_{"/dev/shm"};
  harness::TempDirectory state_;
};

// The child of parent that was started as "shmconf COMMAND"; nullopt: none.
std::optional<pid_t> child(pid_t parent, const std::string& command);
// Waits for a child that is not `other`.
pid_t child_other_than(pid_t parent, const std::string& command, pid_t other,
                       std::chrono::milliseconds limit = std::chrono::seconds(20));
pid_t parent_of(pid_t pid);
// Numbers of its children, a space behind each.
std::string children_of(pid_t pid);
// A process that runs; a zombie does not.
bool runs(pid_t pid);
bool ends(pid_t pid, std::chrono::milliseconds limit);
std::string proc_file(pid_t pid, const std::string& name);

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_SIDECAR_FIXTURE_H_
