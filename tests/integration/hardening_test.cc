// Watch and heartbeat, confined: the processes of a running sidecar, what their confinement leaves them,
// and what nobody inherits of it.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/consul.h"
#include "harness/eventually.h"
#include "integration/sidecar.h"

namespace shmconf::integration {
namespace {

using harness::eventually;
using namespace std::chrono_literals;

constexpr uid_t kNobody = 65534;

// From /proc/PID/status.
std::string status_line(const std::string& status, const std::string& name) {
  const auto at = status.find("\n" + name + ":");
  if (at == std::string::npos) return "?";
  const auto begin = status.find('\t', at) + 1;
  return status.substr(begin, status.find('\n', begin) - begin);
}
std::string status_of(pid_t pid) { return text_of("/proc/" + std::to_string(pid) + "/status"); }

const std::vector<std::string> kInherited = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"};

std::string inherited(const std::string& status) {
  std::string text;
  for (const std::string& name : kInherited) text += name + " " + status_line(status, name) + "\n";
  return text;
}

bool may_lower_bounds() {
  constexpr unsigned kSetPcap = 8;
  return (std::stoull(status_line(status_of(::getpid()), "CapEff"), nullptr, 16) >> kSetPcap & 1) != 0;
}

void expect_confined(pid_t pid, const std::string& who) {
  const std::string status = status_of(pid);
  EXPECT_EQ(status_line(status, "NoNewPrivs"), "1") << who;
  EXPECT_EQ(status_line(status, "Seccomp"), "2") << who;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    EXPECT_EQ(status_line(status, set), "0000000000000000") << who << " " << set;
  }
  const std::string bounds = may_lower_bounds() ? "0000000000000000" : status_line(status_of(::getpid()), "CapBnd");
  EXPECT_EQ(status_line(status, "CapBnd"), bounds) << who;
}

class HardeningTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = harness::RealConsul::start();
    ASSERT_TRUE(started) << started.error().text;
    consul_ = std::move(*started);
    ASSERT_TRUE(put("a", "1"));
    sidecar_ = std::make_unique<Sidecar>(SidecarOptions{.consul = consul_->url()});
  }
  bool put(const std::string& key, const std::string& value) { return consul_->kv().put("config/web/" + key, value); }

  // Started, and both roles at work.
  harness::Process& started(const std::string& command, const Words& more = {}) {
    auto& process = sidecar_->start(command, more);
    auto reader = sidecar_->open();
    EXPECT_TRUE(reader) << reader.error().text;
    EXPECT_TRUE(reader && both_in_contact(*reader));
    return process;
  }
  harness::Finished finished(const harness::Command& command) {
    auto result = harness::run(command);
    EXPECT_TRUE(result) << result.error().text;
    return result ? std::move(*result) : harness::Finished{};
  }
  harness::Command exec(const Words& command, const Words& flags = {}) {
    Words words = {"exec", "--prefix", "config/web/"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    return sidecar_->command(words);
  }
  // The same, run through another program.
  static harness::Command through(const Words& program, harness::Command command) {
    command.argv.insert(command.argv.begin(), program.begin(), program.end());
    return command;
  }

  std::unique_ptr<harness::RealConsul> consul_;
  std::unique_ptr<Sidecar> sidecar_;
};

TEST_F(HardeningTest, WatchAndHeartbeatKeepNoRightAndFewCalls) {
  auto& run = started("run");
  for (const char* role : {"watch", "heartbeat"}) expect_confined(child_of(run, role), role);
  // Who has to start programs does not lose what they may need.
  EXPECT_EQ(inherited(status_of(run.pid())), inherited(status_of(::getpid())));
  ASSERT_TRUE(put("a", "2"));
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_TRUE(shows(*reader, "a", "2"));
}

TEST_F(HardeningTest, SoDoTheyWhenStartedByHand) {
  auto& watch = sidecar_->start("watch");
  auto& heartbeat = sidecar_->start("heartbeat");
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(both_in_contact(*reader));
  expect_confined(watch.pid(), "watch");
  expect_confined(heartbeat.pid(), "heartbeat");
}

TEST_F(HardeningTest, TheCommandOfExecInheritsNothingOfIt) {
  const Words facts = {SHMCONF_PROCESS_FACTS};
  harness::Command direct;
  direct.argv = facts;
  const auto expected = finished(direct);
  const auto result = finished(exec(facts));
  EXPECT_EQ(result.status.code, 0) << result.err;
  EXPECT_NE(expected.out.find("dumpable 1\n"), std::string::npos) << expected.out;
  EXPECT_NE(expected.out.find("Seccomp:"), std::string::npos) << expected.out;
  EXPECT_EQ(result.out, expected.out);
}

TEST_F(HardeningTest, OneSettingTurnsItOff) {
  auto& run = started("run", {"--hardening=false"});
  for (const pid_t pid : {run.pid(), child_of(run, "watch"), child_of(run, "heartbeat")}) {
    EXPECT_EQ(inherited(status_of(pid)), inherited(status_of(::getpid())));
    EXPECT_TRUE(std::filesystem::exists("/proc/" + std::to_string(pid) + "/cwd/.")) << "its user may look into it";
  }
}

TEST_F(HardeningTest, AKernelThatRefusesIsWarnedOfAndDoesNotStopAnything) {
  auto process = harness::Process::spawn(
      through({SHMCONF_KERNEL_WITHOUT_FILTERS}, sidecar_->command({"run", "--prefix", "config/web/"})));
  ASSERT_TRUE(process) << process.error().text;
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_TRUE(both_in_contact(*reader));
  const std::string log = process->stderr_text();
  for (const char* role : {"watch", "heartbeat"}) {
    EXPECT_NE(log.find(std::string("shmconf ") + role), std::string::npos) << log;
    EXPECT_EQ(status_line(status_of(child_of(*process, role)), "CapEff"), "0000000000000000");
  }
  EXPECT_NE(log.find("warning: not hardened as it should be: load 'the filter of system calls': "), std::string::npos)
      << log;
  EXPECT_NE(log.find("--hardening=false"), std::string::npos) << log;
}

// Root hides its own files from itself when its processes cannot be dumped, so this takes another user.
TEST_F(HardeningTest, NoProcessThatHoldsTheTokenCanBeDumpedOrReadByItsUser) {
  harness::TempDirectory root("/dev/shm");
  // Which may not even see this tree.
  const harness::TempDirectory programs;
  const std::string binary = programs / "shmconf";
  ASSERT_EQ(::chmod(programs.path().c_str(), 0755), 0);
  std::filesystem::copy_file(SHMCONF_BINARY, binary);
  Words user;
  uid_t uid = ::geteuid();
  if (uid == 0) {
    uid = kNobody;
    user = {"setpriv", "--reuid", std::to_string(uid), "--regid", std::to_string(uid), "--clear-groups"};
    ASSERT_EQ(::chown(root.path().c_str(), uid, uid), 0);
  }
  const auto owners = [&](const Words& flags) {
    auto command = exec({"sleep", "1000"}, flags);
    command.argv.front() = binary;
    command.set_env["SHMCONF_DIR"] = root.path();
    command.set_env["SHMCONF_BACKUP"] = root / "web.snapshot";
    command.set_env["CONSUL_HTTP_TOKEN"] = "the-token";
    auto process = harness::Process::spawn(through(user, std::move(command)));
    EXPECT_TRUE(process) << process.error().text;
    EXPECT_TRUE(eventually([&] { return child_of(*process, "heartbeat") != 0 && child_of(*process, "watch") != 0; }));
    const auto owner_of = [](pid_t pid) {
      struct stat info {};
      ::stat(("/proc/" + std::to_string(pid) + "/environ").c_str(), &info);
      return info.st_uid;
    };
    const auto all = [&](uid_t wanted) {
      return owner_of(process->pid()) == wanted && owner_of(child_of(*process, "watch")) == wanted &&
             owner_of(child_of(*process, "heartbeat")) == wanted;
    };
    // A child is its user's until it has executed its program and read its settings.
    if (eventually([&] { return all(0); }, flags.empty() ? 10s : 1s)) return std::string("root's");
    return std::string(all(uid) ? "the user's" : "mixed") + process->stderr_text();
  };
  EXPECT_EQ(owners({}), "root's");
  EXPECT_EQ(owners({"--hardening=false"}).substr(0, 10), "the user's");
}

// --- what root's processes reach without being almighty ---

TEST_F(HardeningTest, TheGroupMayReadAfterEveryPublication) {
  // A group that this process is not in, where it may choose one.
  const group* chosen = ::geteuid() == 0 ? ::getgrnam("daemon") : ::getgrgid(::getegid());
  ASSERT_NE(chosen, nullptr);
  const gid_t gid = chosen->gr_gid;
  auto& run = started("run", {"--group", chosen->gr_name});
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text;
  ASSERT_TRUE(put("a", "2"));
  ASSERT_TRUE(shows(*reader, "a", "2"));
  for (const auto& entry : std::filesystem::directory_iterator(sidecar_->directory())) {
    struct stat info {};
    if (::stat(entry.path().c_str(), &info) != 0) continue;  // a draft that was renamed
    EXPECT_EQ(info.st_gid, gid) << entry.path();
    EXPECT_EQ(info.st_mode & 0777U, 0640U) << entry.path();
  }
  for (const char* role : {"watch", "heartbeat"}) expect_confined(child_of(run, role), role);
}

TEST_F(HardeningTest, ASegmentThatIsRemovedIsMadeAgain) {
  auto& run = started("run");
  const pid_t watch = child_of(run, "watch");
  std::filesystem::remove_all(sidecar_->directory());
  EXPECT_TRUE(eventually([&] { return Reader::open("web", sidecar_->open_options()).ok() &&
                                      std::filesystem::exists(sidecar_->directory() + "/control.v1"); },
                         30s));
  EXPECT_EQ(child_of(run, "watch"), watch);
}

// The token file is somebody else's, as a secret store's agent leaves it; only the supervisor's user,
// root, may read it, and that by a capability.
TEST_F(HardeningTest, ATokenFileOfAnotherUserIsReadAfterItsRotation) {
  const std::string file = sidecar_->file("token");
  const auto write_token = [&](const std::string& token) {
    write_text(file + ".new", token);
    // Without another user to give it to, its own has no right to it either.
    const bool given = ::geteuid() == 0 ? ::chown((file + ".new").c_str(), kNobody, kNobody) == 0 : true;
    ASSERT_TRUE(given && ::chmod((file + ".new").c_str(), ::geteuid() == 0 ? 0400 : 0) == 0);
    ASSERT_EQ(::rename((file + ".new").c_str(), file.c_str()), 0);
  };
  ASSERT_NO_FATAL_FAILURE(write_token("first"));
  const Words root = ::geteuid() == 0 ? Words{} : Words{"unshare", "-r"};
  auto process = harness::Process::spawn(through(
      root, sidecar_->command({"run", "--prefix", "config/web/", "--token-file", file, "--heartbeat-interval", "200ms"})));
  ASSERT_TRUE(process) << process.error().text;
  auto reader = sidecar_->open();
  ASSERT_TRUE(reader) << reader.error().text << process->stderr_text();
  ASSERT_TRUE(both_in_contact(*reader));
  for (const char* role : {"watch", "heartbeat"}) {
    EXPECT_EQ(status_line(status_of(child_of(*process, role)), "CapEff"), "0000000000000004") << role;
  }
  EXPECT_NE(process->stderr_text().find("keeps CAP_DAC_READ_SEARCH for the token file '" + file + "'"),
            std::string::npos)
      << process->stderr_text();
  ASSERT_NO_FATAL_FAILURE(write_token("second"));
  const auto successes = [&] { return reader->status().role(format::Role::kHeartbeat).queries; };
  const auto before = successes();
  EXPECT_TRUE(eventually([&] { return successes() >= before + 3; }));
  ASSERT_TRUE(put("a", "2"));
  EXPECT_TRUE(shows(*reader, "a", "2"));
  EXPECT_EQ(reader->status().role(format::Role::kHeartbeat).last_error, "");
}

}  // namespace
}  // namespace shmconf::integration
