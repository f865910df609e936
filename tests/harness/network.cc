#include "harness/network.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "harness/process.h"

namespace shmconf::harness {
namespace {

constexpr char kBridge[] = "bridge0";
constexpr char kSubnet[] = "10.77.0.";
constexpr int kOwnNumber = 1;

Error failed(const std::string& what) {
  return {errno == EPERM ? ErrorCode::kDenied : ErrorCode::kSystem,
          what + ": " + ::strerror(errno) + "; network namespaces need root, or user namespaces that the kernel allows"};
}

Result<void> ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  Command command;
  command.argv = std::move(words);
  auto finished = run(command);
  if (!finished) return Error{finished.error().code, finished.error().text + "; install iproute2"};
  if (finished->status.code == 0) return {};
  std::string line;
  for (const auto& word : command.argv) line += word + " ";
  return Error{ErrorCode::kSystem, "'" + line + "' failed: " + finished->err};
}

// Until one fails.
Result<void> ip_all(const std::vector<std::vector<std::string>>& commands) {
  for (const auto& words : commands) {
    if (auto done = ip(words); !done) return done;
  }
  return {};
}

int open_own_namespace() { return ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

std::string path_of(int fd) { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd); }

std::string link_of(std::size_t host) { return "host" + std::to_string(host); }

// A user namespace in which this user is root, and a network namespace that belongs to it.
Result<void> unshare_as_user() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return failed("cannot make a network namespace");
  std::ofstream("/proc/self/setgroups") << "deny";
  const bool mapped = (std::ofstream("/proc/self/uid_map") << "0 " + uid + " 1").flush().good() &&
                      (std::ofstream("/proc/self/gid_map") << "0 " + gid + " 1").flush().good();
  if (!mapped) return failed("cannot map this user into a user namespace");
  return {};
}

}  // namespace

std::string Network::address() { return kSubnet + std::to_string(kOwnNumber); }
std::string Network::address(std::size_t host) {
  return kSubnet + std::to_string(kOwnNumber + 1 + static_cast<int>(host));
}

Result<std::unique_ptr<Network>> Network::make() {
  if (::unshare(CLONE_NEWNET) != 0) {
    if (auto moved = unshare_as_user(); !moved) return moved.error();
  }
  const auto made = ip_all({{"link", "set", "lo", "up"},
                            {"link", "add", kBridge, "type", "bridge"},
                            {"addr", "add", address() + "/24", "dev", kBridge},
                            {"link", "set", kBridge, "up"}});
  if (!made) return made.error();
  return std::unique_ptr<Network>(new Network);
}

Network::~Network() {
  for (const int fd : hosts_) ::close(fd);
}

Result<std::size_t> Network::add_host() {
  const std::size_t host = hosts_.size();
  const int own = open_own_namespace();
  if (own < 0 || ::unshare(CLONE_NEWNET) != 0) return failed("cannot make a network namespace");
  hosts_.push_back(open_own_namespace());
  // Made from inside, since the other end of a pair may be put anywhere.
  auto made = ip_all({{"link", "set", "lo", "up"},
                      {"link", "add", "eth0", "type", "veth", "peer", "name", link_of(host), "netns", path_of(own)},
                      {"addr", "add", address(host) + "/24", "dev", "eth0"},
                      {"link", "set", "eth0", "up"}});
  const bool back = ::setns(own, CLONE_NEWNET) == 0;
  ::close(own);
  if (!back) return failed("cannot go back to the network namespace");
  if (made) made = ip({"link", "set", link_of(host), "master", kBridge, "up"});
  if (!made) return made.error();
  return host;
}

std::vector<std::string> Network::on(std::size_t host) const {
  return {"nsenter", "--net=" + path_of(hosts_[host]), "--"};
}

Result<void> Network::cut(std::size_t host) { return ip({"link", "set", link_of(host), "down"}); }
Result<void> Network::rejoin(std::size_t host) { return ip({"link", "set", link_of(host), "up"}); }

}  // namespace shmconf::harness
