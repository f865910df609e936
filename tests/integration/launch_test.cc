// launch: who starts a sidecar, who uses it, and when it ends.
#include "shmconf/launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <thread>

#include "integration/sidecar_fixture.h"

namespace shmconf::integration {
namespace {

using format::Role;
using harness::eventually;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// What "within a few seconds" may take on a machine under load.
constexpr seconds kSoon{20};
// Longer than a sidecar needs to find that it has no users.
constexpr milliseconds kTwoLooks{2'500};

class LaunchTest : public SidecarTest {
 protected:
  void SetUp() override {
    ::setenv("SHMCONF_BIN", SHMCONF_BINARY, 1);
    ::unsetenv("SHMCONF_DIR");
    start_consul();
    put("k", "v");
  }
  ~LaunchTest() override {
    // What a failed test left; its own processes have ended.
    if (!eventually([&] { return sidecars().empty(); }, kSoon)) {
      for (const pid_t pid : sidecars()) ::kill(pid, SIGTERM);
    }
  }

  [[nodiscard]] Words flags(const Words& more = {}) const {
    Words words = {"--prefix", "config/web/", "--consul", consul_.url(), "--backup", state_ / "web.snapshot"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] LaunchOptions options(const Words& more = {}) const {
    return {.directory = root_.path(), .arguments = flags(more)};
  }
  [[nodiscard]] Result<Reader> launched(const Words& more = {}) const { return launch("web", options(more)); }

  // A process that launches; see launch_client.c.
  [[nodiscard]] Words client(const std::string& mode, const Words& more = {}) const {
    Words argv = {SHMCONF_LAUNCH_CLIENT, root_.path(), mode};
    const Words given = flags(more);
    argv.insert(argv.end(), given.begin(), given.end());
    return argv;
  }
  static bool says(harness::Process& process, const std::string& text) {
    return eventually([&] { return process.stdout_text().find(text) != std::string::npos; }, kSoon);
  }
  static pid_t number_behind(harness::Process& process, const std::string& word) {
    if (!says(process, word)) return 0;
    return std::stoi(process.stdout_text().substr(process.stdout_text().find(word) + word.size()));
  }

  // The launched supervisors of this test, and launchers that have not ended.
  [[nodiscard]] std::vector<pid_t> sidecars() const {
    std::vector<pid_t> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), &::closedir);
    while (const dirent* entry = ::readdir(processes.get())) {
      const pid_t pid = ::atoi(entry->d_name);
      if (pid == 0 || !runs(pid)) continue;
      const std::string arguments = proc_file(pid, "cmdline");
      if (!arguments.starts_with(std::string("shmconf\0launch\0", 15))) continue;
      if (arguments.find(root_.path()) != std::string::npos) found.push_back(pid);
    }
    return found;
  }
  [[nodiscard]] pid_t only_sidecar() const {
    EXPECT_TRUE(eventually([&] { return sidecars().size() == 1; }));
    const auto all = sidecars();
    return all.empty() ? 0 : all.front();
  }
  // How often a supervisor began, in the segment that is there now.
  [[nodiscard]] std::uint64_t starts() const { return role(Role::kSupervisor).starts; }
  [[nodiscard]] bool segment_exists() const { return std::filesystem::exists(root_ / "web"); }
  [[nodiscard]] bool all_gone() const {
    return eventually([&] { return sidecars().empty() && !segment_exists(); }, kSoon);
  }

  void leave_backup_alone() {
    {
      const auto reader = launched();
      ASSERT_TRUE(reader) << reader.error().text;
      ASSERT_TRUE(eventually([&] { return std::filesystem::exists(state_ / "web.snapshot"); }));
    }
    ASSERT_TRUE(all_gone());
    consul_.stop();
  }
};

// --- one sidecar ---

TEST_F(LaunchTest, TheFirstStartsASidecarAndReads) {
  const auto reader = launched(open_to_this_user());
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->get("k"), "v");
  EXPECT_EQ(reader->status().verdict, Verdict::kLive);
  const pid_t sidecar = only_sidecar();
  EXPECT_NE(child_other_than(sidecar, "watch", 0), 0);
  EXPECT_EQ(::getsid(sidecar), sidecar);
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(sidecar) + "/cwd"), "/");
  put("k", "after");
  EXPECT_TRUE(eventually([&] { return reader->get("k") == "after"; }, kSoon));
}

TEST_F(LaunchTest, AnotherProcessUsesTheSameSidecar) {
  auto first = spawn(client("hold"));
  ASSERT_TRUE(says(first, "ok v")) << first.stdout_text() << first.stderr_text();
  const pid_t sidecar = only_sidecar();
  auto second = spawn(client("hold"));
  ASSERT_TRUE(says(second, "ok v")) << second.stdout_text();
  EXPECT_EQ(only_sidecar(), sidecar);
  EXPECT_EQ(starts(), 1U);
  // The one who did not start it keeps it as well.
  first.kill_now();
  EXPECT_FALSE(ends(sidecar, kTwoLooks));
  second.kill_now();
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, ManyAtOnceStartOne) {
  std::vector<harness::Process> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(spawn(client("hold")));
  for (auto& process : clients) {
    ASSERT_TRUE(says(process, "ok v")) << process.stdout_text() << process.stderr_text();
  }
  EXPECT_NE(only_sidecar(), 0);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(LaunchTest, ManyThreadsAtOnceStartOne) {
  std::vector<std::optional<Reader>> readers(8);
  std::vector<std::thread> threads;
  for (auto& reader : readers) {
    threads.emplace_back([&] {
      if (auto opened = launched()) reader = std::move(*opened);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& reader : readers) {
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->get("k"), "v");
  }
  EXPECT_NE(only_sidecar(), 0);
  EXPECT_EQ(starts(), 1U);
}

// --- the end ---

TEST_F(LaunchTest, AKilledUserIsNone) {
  auto process = spawn(client("hold"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  const pid_t sidecar = only_sidecar();
  const auto began = steady_clock::now();
  process.kill_now();
  EXPECT_TRUE(ends(sidecar, kSoon));
  EXPECT_TRUE(all_gone());
  RecordProperty("seconds", std::to_string(std::chrono::duration<double>(steady_clock::now() - began).count()));
  EXPECT_TRUE(std::filesystem::exists(root_ / ".web.users")) << "the lock file stays";
}

TEST_F(LaunchTest, TheLastReaderThatIsClosedEndsIt) {
  auto process = spawn(client("close"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  const pid_t sidecar = only_sidecar();
  ASSERT_TRUE(process.send_signal(SIGUSR1));
  ASSERT_TRUE(says(process, "closed"));
  EXPECT_TRUE(ends(sidecar, kSoon));
  EXPECT_TRUE(all_gone());
  EXPECT_TRUE(process.running());
}

TEST_F(LaunchTest, ACopyAndAValueKeepIt) {
  auto opened = launched();
  ASSERT_TRUE(opened) << opened.error().text;
  auto reader = std::make_unique<Reader>(*std::move(opened));
  const pid_t sidecar = only_sidecar();
  auto copy = std::make_unique<Reader>(*reader);
  reader.reset();
  auto value = std::make_unique<shmconf::Value<std::string>>(copy->value<std::string>("k", ""));
  copy.reset();
  EXPECT_FALSE(ends(sidecar, kTwoLooks));
  put("k", "after");
  EXPECT_TRUE(eventually([&] { return value->get() == "after"; }, kSoon));
  value.reset();
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, AForkedChildKeepsIt) {
  auto process = spawn(client("fork"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  const pid_t child = number_behind(process, "child ");
  ASSERT_GT(child, 0);
  const pid_t sidecar = only_sidecar();
  process.kill_now();
  EXPECT_FALSE(ends(sidecar, kTwoLooks));
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, StartsAndEndsThirtyTimes) {
  for (int i = 0; i < 30; ++i) {
    const std::string value = std::to_string(i);
    put("k", value);
    {
      const auto reader = launched();
      ASSERT_TRUE(reader) << "round " << i << ": " << reader.error().text;
      // A sidecar that was on its way out must not be the one that is used.
      ASSERT_TRUE(eventually([&] { return reader->get("k") == value; }, kSoon)) << "round " << i;
      ASSERT_TRUE(eventually([&] { return reader->status().verdict == Verdict::kLive; })) << "round " << i;
      ASSERT_NE(only_sidecar(), 0) << "round " << i;
    }
    // Into, before and behind its end, which comes up to a second later.
    std::this_thread::sleep_for(milliseconds(i * 37 % 1'100));
  }
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, WhoComesWhileItEndsWaitsForAFreshOne) {
  auto first = spawn(client("hold"));
  ASSERT_TRUE(says(first, "ok v")) << first.stdout_text();
  const pid_t ending = only_sidecar();
  // Its end takes seconds, since a stopped process has to be killed first.
  const pid_t heartbeat = child_other_than(ending, "heartbeat", 0);
  ASSERT_EQ(::kill(heartbeat, SIGSTOP), 0);
  first.kill_now();
  const int users = ::open((root_ / ".web.users").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(users, 0);
  const auto is_ending = [&] {
    if (::flock(users, LOCK_SH | LOCK_NB) != 0) return true;
    ::flock(users, LOCK_UN);
    return false;
  };
  ASSERT_TRUE(eventually(is_ending, kSoon));
  auto second = spawn(client("hold"));
  EXPECT_FALSE(eventually([&] { return runs(ending) && !second.stdout_text().empty(); }, milliseconds(500)));
  ASSERT_TRUE(says(second, "ok v")) << second.stdout_text();
  ::close(users);
  EXPECT_FALSE(runs(ending));
  EXPECT_NE(only_sidecar(), ending);
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(LaunchTest, AnOperatorsSidecarIsUsedAndNotEnded) {
  auto run = run_published();
  auto process = spawn(client("hold"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  EXPECT_TRUE(eventually([&] { return sidecars().empty(); }));
  process.kill_now();
  EXPECT_FALSE(eventually([&] { return !run.running() || !segment_exists(); }, kTwoLooks));
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

TEST_F(LaunchTest, ASidecarThatWasKilledIsStartedByTheNext) {
  auto first = spawn(client("hold"));
  ASSERT_TRUE(says(first, "ok v")) << first.stdout_text();
  const pid_t killed = only_sidecar();
  ASSERT_EQ(::kill(killed, SIGKILL), 0);
  ASSERT_TRUE(ends(killed, kSoon));
  auto second = spawn(client("hold"));
  ASSERT_TRUE(says(second, "ok v")) << second.stdout_text();
  EXPECT_NE(only_sidecar(), killed);
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
}

// --- with exec ---

TEST_F(LaunchTest, TwoExecsSurviveEachOther) {
  auto first = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(becomes("k", "v")) << first.stderr_text();
  auto second = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(eventually([&] { return second.stderr_text().find("using that sidecar") != std::string::npos; }, kSoon));
  ASSERT_TRUE(eventually([&] { return !children_of(second.pid()).empty(); }, kSoon));
  ASSERT_TRUE(first.send_signal(SIGTERM));
  EXPECT_EQ(first.wait(kSoon)->shell_code(), 128 + SIGTERM);
  EXPECT_TRUE(segment_exists());
  EXPECT_NE(child_other_than(second.pid(), "watch", 0), 0) << second.stderr_text();
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  ASSERT_TRUE(second.send_signal(SIGTERM));
  EXPECT_EQ(second.wait(kSoon)->shell_code(), 128 + SIGTERM);
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, AnExecTakesThePlaceOfOneThatWasKilled) {
  auto first = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(becomes("k", "v")) << first.stderr_text();
  auto second = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(eventually([&] { return !children_of(second.pid()).empty(); }, kSoon)) << second.stderr_text();
  first.kill_now();
  EXPECT_NE(child_other_than(second.pid(), "watch", 0), 0) << second.stderr_text();
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  // In its own time: one that is killed while it looks after the segment may leave a file of it behind.
  ASSERT_TRUE(second.send_signal(SIGTERM));
  EXPECT_TRUE(second.wait(kSoon));
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, AnExecKeepsALaunchedSidecar) {
  auto process = spawn(client("hold"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  const pid_t sidecar = only_sidecar();
  auto service = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(eventually([&] { return !children_of(service.pid()).empty(); }, kSoon)) << service.stderr_text();
  process.kill_now();
  EXPECT_FALSE(ends(sidecar, kTwoLooks));
  ASSERT_TRUE(service.send_signal(SIGTERM));
  ASSERT_TRUE(service.wait(kSoon));
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, AUserOfExecsSidecarGetsAnotherWhenExecEnds) {
  auto service = spawn(exec({"sleep", "1000"}));
  ASSERT_TRUE(becomes("k", "v")) << service.stderr_text();
  auto process = spawn(client("hold"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  ASSERT_TRUE(service.send_signal(SIGTERM));
  EXPECT_EQ(service.wait(kSoon)->shell_code(), 128 + SIGTERM);
  put("k", "after");
  EXPECT_TRUE(becomes("k", "after"));
  EXPECT_EQ(starts(), 2U);
  process.kill_now();
  EXPECT_TRUE(eventually([&] { return !segment_exists(); }, kSoon));
}

// --- what goes wrong ---

TEST_F(LaunchTest, BadSettingsAreNamed) {
  const auto nothing = launch("web", {.directory = root_.path()});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::kInvalid) << nothing.error().text;
  EXPECT_NE(nothing.error().text.find("nothing to mirror"), std::string::npos) << nothing.error().text;

  const auto two = launched({"--log-level", "loud", "--group", "no-such group"});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, ErrorCode::kInvalid);
  EXPECT_NE(two.error().text.find("loud"), std::string::npos) << two.error().text;
  EXPECT_NE(two.error().text.find("--group"), std::string::npos) << "every problem: " << two.error().text;
  EXPECT_EQ(two.error().text.find('\n'), std::string::npos);

  const auto unknown = launched({"--prefux", "x/"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalid);
  EXPECT_NE(unknown.error().text.find("did you mean --prefix"), std::string::npos) << unknown.error().text;

  const auto name = launch("no name", options());
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(segment_exists());
}

TEST_F(LaunchTest, NeitherConsulNorBackup) {
  consul_.stop();
  const auto reader = launched({"--startup-timeout", "500ms"});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kAbsent);
  EXPECT_NE(reader.error().text.find("no backup"), std::string::npos) << reader.error().text;
  EXPECT_NE(reader.error().text.find("connection refused"), std::string::npos) << reader.error().text;
  EXPECT_TRUE(all_gone());
}

TEST_F(LaunchTest, TheBackupWhereConsulIsGone) {
  leave_backup_alone();
  const auto began = steady_clock::now();
  const auto reader = launched({"--startup-timeout", "1s"});
  ASSERT_TRUE(reader) << reader.error().text;
  EXPECT_EQ(reader->get("k"), "v");
  EXPECT_EQ(reader->status().verdict, Verdict::kBackup);
  EXPECT_GE(steady_clock::now() - began, seconds(1));
}

TEST_F(LaunchTest, NoBinaryIsToldWithWhatToSet) {
  const auto wrong = [&](LaunchOptions given) {
    const auto reader = launch("web", given);
    EXPECT_FALSE(reader);
    if (reader) return std::string();
    EXPECT_EQ(reader.error().code, ErrorCode::kAbsent) << reader.error().text;
    return reader.error().text;
  };
  LaunchOptions named = options();
  named.binary = state_ / "absent";
  EXPECT_NE(wrong(named).find("absent"), std::string::npos);
  EXPECT_NE(wrong(named).find("SHMCONF_BIN"), std::string::npos);
  ::setenv("SHMCONF_BIN", (state_ / "other").c_str(), 1);
  EXPECT_NE(wrong(options()).find("other"), std::string::npos);
  ::unsetenv("SHMCONF_BIN");
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", state_.path().c_str(), 1);
  EXPECT_NE(wrong(options()).find("SHMCONF_BIN"), std::string::npos);
  // And it is found on PATH.
  std::filesystem::create_symlink(SHMCONF_BINARY, state_ / "shmconf");
  const auto reader = launched();
  EXPECT_TRUE(reader) << reader.error().text;
  ::setenv("PATH", path.c_str(), 1);
}

TEST_F(LaunchTest, TheBinaryBesideTheLibraryIsFound) {
  std::filesystem::create_directories(state_ / "lib/any");
  std::filesystem::create_directories(state_ / "bin");
  std::filesystem::copy_file(SHMCONF_LAUNCH_CLIENT, state_ / "lib/any/service");
  std::filesystem::create_symlink(SHMCONF_BINARY, state_ / "bin/shmconf");
  Words argv = client("hold");
  argv.front() = state_ / "lib/any/service";
  harness::Command command = with(argv, {{"PATH", "/nonexistent"}});
  command.unset_env = {"SHMCONF_BIN"};
  auto process = spawn(command);
  EXPECT_TRUE(says(process, "ok v")) << process.stdout_text();
}

TEST_F(LaunchTest, AProgramThatIsNoLauncher) {
  for (const char* program : {"/bin/true", "/bin/false"}) {
    LaunchOptions other = options();
    other.binary = program;
    const auto reader = launch("web", other);
    ASSERT_FALSE(reader) << program;
    EXPECT_NE(reader.error().text.find(program), std::string::npos) << reader.error().text;
  }
}

// --- whatever the service is like ---

TEST_F(LaunchTest, AServiceThatReapsEveryChild) {
  // Whether its handler or the library is first is chance; it must have been the handler once.
  int reaped = 0;
  for (int i = 0; i < 50 && reaped == 0; ++i) {
    auto process = spawn(client("reap"));
    ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
    reaped = number_behind(process, "reaped ");
  }
  EXPECT_EQ(reaped, 1) << "else this shows nothing";
  // Here it is always the kernel.
  auto ignoring = spawn(client("ignore"));
  EXPECT_TRUE(says(ignoring, "ok v")) << ignoring.stdout_text();
  auto wrong = spawn(client("reap", {"--log-level", "loud"}));
  EXPECT_TRUE(says(wrong, "error 6 ")) << wrong.stdout_text();
  EXPECT_NE(wrong.stdout_text().find("loud"), std::string::npos) << wrong.stdout_text();
}

TEST_F(LaunchTest, TheServicesDescriptorsAreItsOwn) {
  auto process = spawn(client("socket", open_to_this_user()));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  const std::string socket = "socket:[" + std::to_string(number_behind(process, "socket ")) + "]";
  const auto has_it = [&](pid_t pid) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path(), gone).string() == socket) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_it(process.pid()));
  const pid_t sidecar = only_sidecar();
  for (const pid_t pid :
       {sidecar, child_other_than(sidecar, "watch", 0), child_other_than(sidecar, "heartbeat", 0)}) {
    EXPECT_FALSE(has_it(pid)) << proc_file(pid, "cmdline");
  }
}

TEST_F(LaunchTest, TheSidecarLogsWhereTheServiceDoes) {
  auto process = spawn(client("hold"));
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  EXPECT_TRUE(eventually([&] { return process.stderr_text().find("is published for 'web'") != std::string::npos; }));
  EXPECT_EQ(process.stdout_text(), "ok v\n");
}

TEST_F(LaunchTest, StandardDescriptorsMayBeClosed) {
  Words argv = {"sh", "-c", R"(exec 0<&- 2>&-; exec "$@")", "sh"};
  for (const std::string& word : client("hold")) argv.push_back(word);
  auto process = spawn(argv);
  EXPECT_TRUE(says(process, "ok v")) << process.stdout_text();
  // No descriptor of the library has got into the sidecar in their place, where it would count as a user.
  process.kill_now();
  EXPECT_TRUE(all_gone());
}

// --- settings ---

TEST_F(LaunchTest, TheSettingsFileMayNameThePlace) {
  const std::string elsewhere = root_ / "elsewhere";
  write(state_ / "shmconf.json", R"({"directory": ")" + elsewhere + R"("})");
  {
    LaunchOptions given = options();
    given.directory.clear();
    given.settings_file = state_ / "shmconf.json";
    const auto reader = launch("web", given);
    ASSERT_TRUE(reader) << reader.error().text;
    EXPECT_EQ(reader->get("k"), "v");
    EXPECT_TRUE(std::filesystem::exists(elsewhere + "/web"));
    // It is the user of that place.
    EXPECT_FALSE(eventually([&] { return !std::filesystem::exists(elsewhere + "/web"); }, kTwoLooks));
  }
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(elsewhere + "/web"); }, kSoon));
}

TEST_F(LaunchTest, RelativePathsStayThoseOfTheService) {
  ASSERT_TRUE(consul_.kv().put("config/other/k", "other"));
  const auto sources = [&](const std::string& prefix) {
    write(state_ / "shmconf.json", R"({"sources": [{"prefix": ")" + prefix + R"("}]})");
  };
  sources("config/web/");
  harness::Command command = with({SHMCONF_LAUNCH_CLIENT, root_.path(), "hold", "--config", "shmconf.json",
                                   "--consul", consul_.url(), "--backup", "relative.snapshot"});
  command.working_directory = state_.path();
  auto process = spawn(command);
  ASSERT_TRUE(says(process, "ok v")) << process.stdout_text();
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(state_ / "relative.snapshot"); }, kSoon));
  sources("config/other/");
  ASSERT_EQ(::kill(only_sidecar(), SIGHUP), 0);
  EXPECT_TRUE(becomes("k", "other")) << process.stderr_text();
}

}  // namespace
}  // namespace shmconf::integration
