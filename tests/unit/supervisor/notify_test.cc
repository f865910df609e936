#include "supervisor/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

namespace shmconf::supervisor {
namespace {

using std::chrono::microseconds;

TEST(NotifyPath, TakesPathsAndAbstractNames) {
  EXPECT_EQ(*notify_path("/run/notify"), "/run/notify");
  EXPECT_EQ(*notify_path("@abc"), std::string("\0abc", 4));
  EXPECT_TRUE(notify_path("/" + std::string(106, 'a')));
  EXPECT_TRUE(notify_path("@" + std::string(107, 'a')));
}

TEST(NotifyPath, RefusesTheRest) {
  const std::vector<std::string> unusable = {
      "", "/", "@", "run/notify", "vsock:2:3", "/" + std::string(107, 'a'), "@" + std::string(108, 'a')};
  for (const std::string& text : unusable) {
    const auto path = notify_path(text);
    ASSERT_FALSE(path) << text;
    EXPECT_EQ(path.error().code, ErrorCode::kInvalid);
  }
}

TEST(WatchdogInterval, IsHalfOfWhatTheManagerAllows) {
  EXPECT_EQ(watchdog_interval({"WATCHDOG_USEC=3000000"}, 5), microseconds(1'500'000));
  EXPECT_EQ(watchdog_interval({"WATCHDOG_USEC=3000000", "WATCHDOG_PID=5"}, 5), microseconds(1'500'000));
  EXPECT_EQ(watchdog_interval({"WATCHDOG_USEC=1"}, 5), microseconds(1));
}

TEST(WatchdogInterval, IsForTheNamedProcessOnly) {
  EXPECT_EQ(watchdog_interval({"WATCHDOG_USEC=3000000", "WATCHDOG_PID=6"}, 5), std::nullopt);
  EXPECT_EQ(watchdog_interval({"WATCHDOG_USEC=3000000", "WATCHDOG_PID=5x"}, 5), std::nullopt);
}

TEST(WatchdogInterval, NeedsAPositiveNumber) {
  for (const char* entry :
       {"WATCHDOG_USEC=", "WATCHDOG_USEC=0", "WATCHDOG_USEC=-4", "WATCHDOG_USEC=3s", "OTHER=4"}) {
    EXPECT_EQ(watchdog_interval({entry}, 5), std::nullopt) << entry;
  }
}

// A service manager's end, with an abstract name of its own.
class Listener {
 public:
  Listener() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Bound to nothing in particular, the kernel chooses a free abstract name.
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    name_ = "@" + std::string(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  }

  [[nodiscard]] const std::string& name() const { return name_; }

  std::string next() {
    char buffer[512];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    return got < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(got));
  }

 private:
  env::Fd fd_;
  std::string name_;
};

TEST(Notifier, SendsOneDatagramPerMessage) {
  Listener listener;
  std::string problem;
  auto notifier = Notifier::from_environment({"NOTIFY_SOCKET=" + listener.name()}, problem);
  EXPECT_EQ(problem, "");
  notifier.ready();
  notifier.watchdog();
  notifier.stopping();
  EXPECT_EQ(listener.next(), "READY=1");
  EXPECT_EQ(listener.next(), "WATCHDOG=1");
  EXPECT_EQ(listener.next(), "STOPPING=1");
  EXPECT_EQ(listener.next(), "nothing");
}

TEST(Notifier, AStartThatTakesItsTimeAsksForMoreEveryTenSeconds) {
  Listener listener;
  std::string problem;
  auto notifier = Notifier::from_environment({"NOTIFY_SOCKET=" + listener.name()}, problem);
  const Time began{std::chrono::hours(1)};
  for (const int second : {0, 1, 9}) notifier.starting(began + std::chrono::seconds(second));
  EXPECT_EQ(listener.next(), "EXTEND_TIMEOUT_USEC=30000000");
  EXPECT_EQ(listener.next(), "nothing");
  notifier.starting(began + std::chrono::seconds(10));
  EXPECT_EQ(listener.next(), "EXTEND_TIMEOUT_USEC=30000000");
}

TEST(Notifier, AReloadCarriesTheMonotonicTime) {
  Listener listener;
  std::string problem;
  auto notifier = Notifier::from_environment({"NOTIFY_SOCKET=" + listener.name()}, problem);
  const auto now = [] {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<microseconds>(since_boot).count();
  };
  const auto before = now();
  notifier.reloading();
  const std::string message = listener.next();
  const std::string prefix = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_EQ(message.substr(0, prefix.size()), prefix);
  const auto sent = std::stoll(message.substr(prefix.size()));
  EXPECT_GE(sent, before);
  EXPECT_LE(sent, now());
}

TEST(Notifier, AStatusIsOneLineAndSentWhenItChanges) {
  Listener listener;
  std::string problem;
  auto notifier = Notifier::from_environment({"NOTIFY_SOCKET=" + listener.name()}, problem);
  notifier.status("a\nREADY=1");
  notifier.status("a\nREADY=1");
  notifier.status("b");
  EXPECT_EQ(listener.next(), "STATUS=a READY=1");
  EXPECT_EQ(listener.next(), "STATUS=b");
  EXPECT_EQ(listener.next(), "nothing");
}

TEST(Notifier, WithoutASocketNothingHappens) {
  std::string problem;
  auto notifier = Notifier::from_environment({}, problem);
  EXPECT_FALSE(notifier.listening());
  EXPECT_EQ(problem, "");
  notifier.starting(Time{});
  notifier.ready();
  notifier.status("x");
}

TEST(Notifier, AnUnusableSocketIsReportedAndCountsAsNone) {
  std::string problem;
  auto notifier = Notifier::from_environment({"NOTIFY_SOCKET=relative"}, problem);
  EXPECT_FALSE(notifier.listening());
  EXPECT_NE(problem.find("NOTIFY_SOCKET"), std::string::npos);
}

}  // namespace
}  // namespace shmconf::supervisor
