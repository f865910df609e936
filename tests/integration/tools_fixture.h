// ToolsTest: a service "web" of a test's own, published by the test, and the readers' tools run on it.
//
// One thread. Directories and processes go with the object.
#ifndef SHMCONF_TESTS_INTEGRATION_TOOLS_FIXTURE_H_
#define SHMCONF_TESTS_INTEGRATION_TOOLS_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "env/env.h"
#include "harness/process.h"
#include "harness/temp_directory.h"
#include "shm/publisher.h"
#include "shm/segment.h"

namespace shmconf::tools {

using Words = std::vector<std::string>;
using Items = shm::Items;

// Created at index 13 and last changed at 18677.
shm::Item item(std::string_view key, std::string_view value, std::uint64_t flags = 0);

std::string text_of(const std::string& path);
void write_text(const std::string& path, const std::string& text);
void flip_byte(const std::string& path, std::size_t at);
bool has(const std::string& text, const std::string& part);
// One line that says which command complains.
bool is_one_line_of(const std::string& text, const std::string& command);

class ToolsTest : public testing::Test {
 protected:
  // The command as an operator would run it.
  [[nodiscard]] harness::Command command(const Words& words, const std::string& stdin_file = {}) const;
  [[nodiscard]] harness::Finished run(const Words& words, const std::string& stdin_file = {}) const;
  // What the command prints; fails the test where it does not succeed without a complaint.
  [[nodiscard]] std::string out(const Words& words) const;

  // Where the service's readers look for a backup; not there at first.
  [[nodiscard]] std::string backup_file() const { return file("web.snapshot"); }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }
  // Packs the text into a backup file.
  void pack(const std::string& json_text, const std::string& output);

  // Makes the segment, with a watch that lives and has just been answered by Consul.
  void attach();
  // Publishes, attaching first where that is not done. Returns the generation.
  std::uint64_t publish(const Items& items);
  // Of the generation that is published.
  [[nodiscard]] std::string snapshot_file() const;

  env::Env& env_ = env::Env::posix();
  harness::TempDirectory root_;
  harness::TempDirectory directory_;
  std::unique_ptr<shm::Segment> segment_;
  std::unique_ptr<shm::Publisher> publisher_;
};

}  // namespace shmconf::tools

#endif  // SHMCONF_TESTS_INTEGRATION_TOOLS_FIXTURE_H_
