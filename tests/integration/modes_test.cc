// Who may read what the sidecar makes: the modes of every file, under any umask, with and without a
// group.
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using namespace std::chrono_literals;
using harness::eventually;
namespace fs = std::filesystem;

// A group that files may be given to: for root any, else one of one's own.
std::string some_group(gid_t& id) {
  std::vector<gid_t> own(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  own.resize(static_cast<std::size_t>(std::max(::getgroups(static_cast<int>(own.size()), own.data()), 0)));
  own.push_back(::getegid());
  std::string name;
  ::setgrent();
  while (const group* entry = ::getgrent()) {
    const bool is_own = std::find(own.begin(), own.end(), entry->gr_gid) != own.end();
    if (!is_own && ::geteuid() != 0) continue;
    name = entry->gr_name;
    id = entry->gr_gid;
    if (id != ::getegid()) break;
  }
  ::endgrent();
  return name;
}

struct Access {
  mode_t mode = 0;
  gid_t group = 0;
};

class Modes : public testing::TestWithParam<std::tuple<const char*, bool>> {
 protected:
  void SetUp() override {
    auto started = harness::RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    ASSERT_TRUE(consul_->kv().put("config/web/a", "1"));
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
    // Places that the sidecar makes itself.
    sidecar_->options().variables["SHMCONF_DIR"] = root();
    sidecar_->options().variables["SHMCONF_BACKUP"] = backup();
  }
  [[nodiscard]] std::string root() const { return sidecar_->root() + "/made"; }
  [[nodiscard]] std::string backup() const { return sidecar_->file("state/deeper/web.snapshot"); }

  // Starts exec, which is a user of the name as well, and waits for the first backup of this start.
  void start(const std::string& umask, const std::string& group) {
    Words words = {"exec", "--prefix", "config/web/"};
    if (!group.empty()) words.insert(words.end(), {"--group", group});
    words.insert(words.end(), {"--", "sleep", "1000"});
    harness::Command command = sidecar_->command(words);
    const Words shell = {"/bin/sh", "-c", "umask " + umask + "; exec \"$@\"", "sh"};
    command.argv.insert(command.argv.begin(), shell.begin(), shell.end());
    auto spawned = harness::Process::spawn(command);
    ASSERT_TRUE(spawned) << spawned.error().text;
    process_ = std::make_unique<harness::Process>(std::move(*spawned));
  }
  void stop() {
    ASSERT_TRUE(process_->send_signal(SIGTERM));
    ASSERT_TRUE(process_->wait(10s)) << process_->stderr_text();
  }
  void change(const std::string& value) {
    ASSERT_TRUE(consul_->kv().put("config/web/a", value));
    ASSERT_TRUE(eventually([&] {
      return sidecar_->tool({"get", "a"}).out == value + "\n" &&
             text_of(backup()).find("a" + value) != std::string::npos;
    })) << process_->stderr_text();
  }
  static std::map<std::string, Access> below(const std::string& directory) {
    std::map<std::string, Access> all;
    const auto add = [&](const std::string& path) {
      struct stat info {};
      // One that has gone meanwhile was a draft.
      if (::lstat(path.c_str(), &info) == 0) all[path] = {info.st_mode, info.st_gid};
    };
    add(directory);
    for (const auto& entry : fs::recursive_directory_iterator(directory)) add(entry.path());
    return all;
  }
  // How many there are whose name begins so.
  static int count(const std::map<std::string, Access>& all, const std::string& name) {
    int found = 0;
    for (const auto& [path, access] : all) found += fs::path(path).filename().string().starts_with(name) ? 1 : 0;
    return found;
  }

  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
  std::unique_ptr<harness::Process> process_;
};

TEST_P(Modes, OfEveryFile) {
  const auto& [umask, with_group] = GetParam();
  gid_t id = 0;
  const std::string group = with_group ? some_group(id) : "";
  ASSERT_EQ(group.empty(), !with_group);
  ASSERT_NO_FATAL_FAILURE(start(umask, group));
  ASSERT_TRUE(eventually([&] { return fs::exists(backup()); })) << process_->stderr_text();
  ASSERT_NO_FATAL_FAILURE(change("2"));
  flip_bit(backup(), 300);
  ASSERT_NO_FATAL_FAILURE(change("3"));

  const auto segment = below(root());
  for (const char* name : {"control.v1", "snapshot.v1.", "snapshot.tmp.", ".web.lock", ".web.users"}) {
    EXPECT_GE(count(segment, name), 1) << name;
  }
  for (const auto& [path, access] : segment) {
    const bool of_owner = fs::path(path).filename().string().starts_with(".");
    const bool shared = with_group && !of_owner;
    const mode_t expected = S_ISDIR(access.mode) ? (shared ? 0750 : 0700) : (shared ? 0640 : 0600);
    EXPECT_EQ(access.mode & 07777, expected) << path << std::oct << " " << (access.mode & 07777);
    if (shared) {
      EXPECT_EQ(access.group, id) << path;
    }
  }
  const auto disk = below(sidecar_->file("state"));
  for (const char* name : {"web.snapshot", "web.snapshot.prev", "web.snapshot.damaged"}) {
    EXPECT_GE(count(disk, name), 1) << name;
  }
  for (const auto& [path, access] : disk) {
    EXPECT_EQ(access.mode & 07777, S_ISDIR(access.mode) ? 0700u : 0600u) << path;
  }
  stop();
}

INSTANTIATE_TEST_SUITE_P(Umask, Modes,
                         testing::Combine(testing::Values("000", "022", "077"), testing::Bool()),
                         [](const auto& of) {
                           return std::string(std::get<0>(of.param)) +
                                  (std::get<1>(of.param) ? "WithGroup" : "Alone");
                         });

}  // namespace
}  // namespace shmconf::integration
