// The harness itself: what it starts ends, what it holds is held, and its Consul is a real one.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "harness/cluster.h"
#include "harness/consul.h"
#include "harness/eventually.h"
#include "harness/free_port.h"
#include "harness/process.h"
#include "harness/temp_directory.h"

namespace shmconf::harness {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Ended, or ended and not reaped yet by whoever inherited it.
bool gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  return text.empty() || text.find(") Z ") != std::string::npos;
}

bool listens(const HeldPort& port) {
  return http_request(port.address(), port.number(), "GET", "/", {}, {}, seconds(2)).error.find("refused") ==
         std::string::npos;
}

Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

TEST(HarnessProcess, CapturesOutputStatusEnvironmentAndDirectory) {
  const TempDirectory directory;
  Command command = shell("pwd; echo \"$GREETING\" >&2; cat; exit 7");
  command.set_env = {{"GREETING", "hello there"}};
  command.working_directory = directory.path();
  std::ofstream(directory / "input") << "from a file";
  command.stdin_file = directory / "input";
  const auto finished = run(command);
  ASSERT_TRUE(finished) << finished.error().text;
  EXPECT_EQ(finished->status.shell_code(), 7);
  EXPECT_EQ(finished->out, directory.path() + "\nfrom a file");
  EXPECT_EQ(finished->err, "hello there\n");
}

TEST(HarnessProcess, ReportsSignalsDeadlinesAndMissingPrograms) {
  const auto killed = run(shell("kill -TERM $$"));
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->status.shell_code(), 128 + SIGTERM);
  const auto late = run(shell("exec sleep 100"), milliseconds(50));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  Command missing;
  missing.argv = {"no-such-program-anywhere"};
  const auto absent = run(missing);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kAbsent);
}

TEST(HarnessProcess, FreezesAndThaws) {
  auto process = Process::spawn(shell("while :; do echo tick; sleep 0.01; done"));
  ASSERT_TRUE(process);
  ASSERT_TRUE(eventually([&] { return !process->stdout_text().empty(); }));
  ASSERT_TRUE(process->freeze());
  // A sleep that was under way may end, but the shell cannot write any more.
  const auto before = process->stdout_text().size();
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(process->stdout_text().size(), before);
  ASSERT_TRUE(process->thaw());
  EXPECT_TRUE(eventually([&] { return process->stdout_text().size() > before; }));
}

TEST(HarnessProcess, EndsTheWholeGroupWithTheObject) {
  pid_t child = 0, grandchild = 0;
  {
    auto process = Process::spawn(shell("sleep 1000 & echo $!; wait"));
    ASSERT_TRUE(process);
    child = process->pid();
    ASSERT_TRUE(eventually([&] { return process->stdout_text().ends_with("\n"); }));
    grandchild = std::stoi(process->stdout_text());
    EXPECT_FALSE(gone(grandchild));
  }
  EXPECT_TRUE(gone(child));
  EXPECT_TRUE(eventually([&] { return gone(grandchild); }));
}

TEST(HarnessProcess, NothingOutlivesAKilledTest) {
  const TempDirectory directory;
  const pid_t test = ::fork();
  if (test == 0) {
    ::setenv("TMPDIR", directory.path().c_str(), 1);  // a killed test leaves its output behind
    auto process = Process::spawn(shell("echo $$ > " + directory / "pid" + "; exec sleep 1000"));
    while (process) ::pause();
    ::_exit(1);
  }
  pid_t spawned = 0;
  ASSERT_TRUE(eventually([&] { return bool(std::ifstream(directory / "pid") >> spawned); }));
  ::kill(test, SIGKILL);
  ::waitpid(test, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return gone(spawned); }));
}

TEST(HarnessTempDirectory, GoesWithTheObject) {
  std::string path;
  {
    const TempDirectory directory;
    path = directory.path();
    std::filesystem::create_directory(directory / "inner");
    std::ofstream(directory / "inner/file") << "x";
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

int listen_on(const HeldPort& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port.number());
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
  if (bound && ::listen(fd, 1) == 0) return fd;
  ::close(fd);
  return -1;
}

TEST(HarnessPort, IsHeldForItsOwnerAndNobodyElse) {
  std::vector<HeldPort> ports(200);
  std::set<std::uint16_t> numbers;
  for (const auto& port : ports) numbers.insert(port.number());
  EXPECT_EQ(numbers.size(), ports.size());
  EXPECT_FALSE(listens(ports[0]));
  for (int round = 0; round < 3; ++round) {  // a server may listen, go and listen again
    const int fd = listen_on(ports[0]);
    ASSERT_GE(fd, 0);
    EXPECT_TRUE(listen_on(ports[0]) < 0);
    ::close(fd);
  }
  EXPECT_FALSE(listens(ports[0]));
}

TEST(HarnessConsul, DevServesKvOnPortsOfItsOwn) {
  auto consul = RealConsul::start();
  ASSERT_TRUE(consul) << consul.error().text;
  auto other = RealConsul::start();
  ASSERT_TRUE(other) << other.error().text;
  auto kv = (*consul)->kv();
  EXPECT_EQ(kv.get("", "recurse").index(), 1U) << "the harness leaves no trace";
  EXPECT_TRUE(kv.put("a b/\xC3\xA9", "value", "flags=18446744073709551615"));
  EXPECT_EQ(kv.get("a b/\xC3\xA9", "raw").body, "value");
  EXPECT_EQ((*other)->kv().get("a b/\xC3\xA9").status, 404);
  EXPECT_TRUE(kv.remove("", "recurse"));
  EXPECT_EQ(kv.get("a b/\xC3\xA9").status, 404);
}

TEST(HarnessConsul, WritesTogetherLocksAndRestores) {
  auto started = RealConsul::start();
  ASSERT_TRUE(started) << started.error().text;
  auto kv = (*started)->kv();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (int i = 0; i < 200; ++i) pairs.emplace_back("many/" + std::to_string(i), std::string(1000, 'v'));
  pairs.emplace_back("many/large", std::string(512 * 1024, 'L'));
  ASSERT_TRUE(kv.put_all(pairs));
  EXPECT_EQ(kv.get("many/199", "raw").body, std::string(1000, 'v'));
  EXPECT_EQ(kv.get("many/large", "raw").body.size(), 512U * 1024U);
  ASSERT_TRUE(kv.put_together({{"x/\"q\"", "1"}, {"y", ""}}));
  EXPECT_EQ(kv.get("x/\"q\"").index(), kv.get("y").index());

  const auto session = kv.create_session();
  ASSERT_EQ(session.size(), 36U);
  EXPECT_TRUE(kv.put("lock", "held", "acquire=" + session));
  EXPECT_NE(kv.get("lock").body.find(session), std::string::npos);

  const auto archive = kv.snapshot();
  ASSERT_FALSE(archive.empty());
  ASSERT_TRUE(kv.put("y", "changed"));
  ASSERT_TRUE(kv.restore(archive));
  EXPECT_TRUE(eventually([&] { return kv.get("y", "raw").body.empty(); }));
}

TEST(HarnessConsul, ServerKeepsItsDataThroughKillsAndLosesItWhenWiped) {
  ConsulOptions options;
  options.mode = ConsulOptions::Mode::kServer;
  auto started = RealConsul::start(options);
  ASSERT_TRUE(started) << started.error().text;
  auto& consul = **started;
  const auto port = consul.port();
  ASSERT_TRUE(consul.kv().put("k", "kept"));
  consul.kill_now();
  EXPECT_EQ(consul.kv().get("k").status, 0);
  const auto again = consul.restart();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(consul.port(), port);
  EXPECT_EQ(consul.kv().get("k", "raw").body, "kept");
  const auto wiped = consul.restart_wiped();
  ASSERT_TRUE(wiped) << wiped.error().text;
  EXPECT_EQ(consul.kv().get("k").status, 404);
  consul.stop();
  EXPECT_FALSE(consul.running());
}

TEST(HarnessConsul, ClusterElectsAnotherLeaderAndTakesTheOldOneBack) {
  auto started = Cluster::start();
  ASSERT_TRUE(started) << started.error().text;
  auto& cluster = **started;
  ASSERT_TRUE(cluster.agent().kv().put("k", "before"));
  const auto first = cluster.leader();
  ASSERT_TRUE(first);
  cluster.server(*first).kill_now();
  const auto second = cluster.wait_leader(*first);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_NE(*second, *first);
  EXPECT_TRUE(eventually([&] { return cluster.agent().kv().put("k", "after"); }, seconds(30)));
  ASSERT_TRUE(cluster.server(*first).launch());
  const auto whole = cluster.wait_ready();
  ASSERT_TRUE(whole) << whole.error().text;
  EXPECT_TRUE(eventually([&] { return cluster.server(*first).kv().get("k", "stale&raw").body == "after"; }));
}

}  // namespace
}  // namespace shmconf::harness
