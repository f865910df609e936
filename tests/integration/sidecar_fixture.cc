#include "integration/sidecar_fixture.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

namespace shmconf::integration {

using harness::eventually;
using std::chrono::milliseconds;

SidecarTest::SidecarTest() : consul_(harness::ConsulOptions{}) {}

void SidecarTest::start_consul() {
  const auto started = consul_.restart();
  ASSERT_TRUE(started) << started.error().text;
}

void SidecarTest::put(const std::string& key, const std::string& value) {
  ASSERT_TRUE(consul_.kv().put("config/web/" + key, value));
}

SidecarTest::Words SidecarTest::sidecar(const std::string& command, const Words& flags) const {
  Words argv = {SHMCONF_BINARY, command, "--name",   "web",          "--dir",    root_.path(), "--prefix",
                "config/web/",  "--consul", consul_.url(), "--backup", state_ / "web.snapshot"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return argv;
}

SidecarTest::Words SidecarTest::exec(const Words& command, const Words& flags) const {
  Words argv = sidecar("exec", flags);
  argv.emplace_back("--");
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

harness::Command SidecarTest::with(const Words& argv, const std::map<std::string, std::string>& environment) {
  harness::Command command;
  command.argv = argv;
  command.set_env = environment;
  return command;
}

SidecarTest::Words SidecarTest::open_to_this_user() {
  return ::geteuid() == 0 ? Words{} : Words{"--hardening=false"};
}

harness::Process SidecarTest::spawn(const harness::Command& command) {
  auto process = harness::Process::spawn(command);
  if (!process) {
    ADD_FAILURE() << process.error().text;
    ::abort();
  }
  return std::move(*process);
}

harness::Process SidecarTest::run_published(const Words& flags) {
  put("k", "v");
  auto process = spawn(sidecar("run", flags));
  EXPECT_TRUE(becomes("k", "v")) << process.stderr_text();
  return process;
}

Result<Reader> SidecarTest::open() const {
  return Reader::open("web", {.directory = root_.path(), .allow_backup = false});
}

std::optional<std::string> SidecarTest::value(const std::string& key) const {
  const auto reader = open();
  if (!reader) return std::nullopt;
  const auto found = reader->get(key);
  if (!found) return std::nullopt;
  return std::string(*found);
}

bool SidecarTest::becomes(const std::string& key, const std::string& value, milliseconds limit) const {
  return eventually([&] { return this->value(key) == value; }, limit);
}

RoleStatus SidecarTest::role(format::Role role) const {
  const auto reader = open();
  return reader ? reader->status().role(role) : RoleStatus{};
}

bool SidecarTest::holds(const std::string& file, const std::string& text, milliseconds limit) {
  return eventually([&] { return content(file).find(text) != std::string::npos; }, limit);
}

std::string SidecarTest::content(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void SidecarTest::write(const std::string& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

std::string proc_file(pid_t pid, const std::string& name) {
  std::ifstream stream("/proc/" + std::to_string(pid) + "/" + name, std::ios::binary);
  // Not by iterators: reading what a process has just left behind would throw.
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

namespace {

struct Stat {
  char state = '?';
  pid_t parent = 0;
};

std::optional<Stat> stat_of(pid_t pid) {
  const std::string text = proc_file(pid, "stat");
  const auto after_name = text.rfind(')');  // the name itself may hold anything
  if (after_name == std::string::npos) return std::nullopt;
  Stat stat;
  std::istringstream(text.substr(after_name + 1)) >> stat.state >> stat.parent;
  return stat;
}

}  // namespace

std::optional<pid_t> child(pid_t parent, const std::string& command) {
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), &::closedir);
  while (const dirent* entry = ::readdir(processes.get())) {
    const pid_t pid = ::atoi(entry->d_name);
    if (pid == 0) continue;
    const auto stat = stat_of(pid);
    if (!stat || stat->parent != parent || stat->state == 'Z') continue;
    // Arguments end with a NUL each: "shmconf", then the command.
    const std::string arguments = proc_file(pid, "cmdline");
    if (arguments.starts_with(std::string("shmconf\0", 8) + command + '\0')) return pid;
  }
  return std::nullopt;
}

pid_t child_other_than(pid_t parent, const std::string& command, pid_t other, milliseconds limit) {
  pid_t found = 0;
  const bool there = eventually(
      [&] {
        found = child(parent, command).value_or(0);
        return found != 0 && found != other;
      },
      limit);
  EXPECT_TRUE(there) << "no new " << command << " of " << parent;
  return found;
}

pid_t parent_of(pid_t pid) {
  const auto stat = stat_of(pid);
  return stat ? stat->parent : 0;
}

std::string children_of(pid_t pid) { return proc_file(pid, "task/" + std::to_string(pid) + "/children"); }

bool runs(pid_t pid) {
  const auto stat = stat_of(pid);
  return stat && stat->state != 'Z';
}

bool ends(pid_t pid, milliseconds limit) {
  return eventually([&] { return !runs(pid); }, limit);
}

}  // namespace shmconf::integration
