#include "harness/consul.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "harness/eventually.h"

namespace shmconf::harness {
namespace {

using Mode = ConsulOptions::Mode;

// Nobody else has ports on another host; they are held here for their numbers.
std::string held_address(const ConsulOptions& options) {
  return options.launcher.empty() ? options.address : "127.0.0.1";
}

std::string json_list(const std::vector<std::string>& items) {
  std::string result = "[";
  for (const auto& item : items) result += (result.size() > 1 ? ",\"" : "\"") + item + "\"";
  return result + "]";
}

std::string tail(const std::string& text) {
  constexpr std::size_t kMost = 2000;
  return text.size() <= kMost ? text : text.substr(text.size() - kMost);
}

// Elections as fast as Consul allows. A server that a test froze or killed stays a voter, so that
// thawing it restores the quorum.
constexpr std::string_view kServerSettings =
    R"(,"performance":{"raft_multiplier":1},"autopilot":{"cleanup_dead_servers":false})";

}  // namespace

std::string consul_program() {
  const char* named = ::getenv("SHMCONF_CONSUL");
  if (named != nullptr && *named != '\0') return named;
  const std::string installed = SHMCONF_BUILT_CONSUL;
  return ::access(installed.c_str(), X_OK) == 0 ? installed : "consul";
}

RealConsul::RealConsul(ConsulOptions options)
    : options_(std::move(options)),
      http_(held_address(options_)),
      rpc_(held_address(options_)),
      serf_(held_address(options_)) {}

Result<std::unique_ptr<RealConsul>> RealConsul::start(const ConsulOptions& options) {
  auto consul = std::make_unique<RealConsul>(options);
  if (auto launched = consul->launch(); !launched) return launched.error();
  if (auto ready = consul->wait_ready(); !ready) return ready.error();
  return consul;
}

void RealConsul::write_configuration(const std::vector<std::string>& join) const {
  const auto number = [](const HeldPort& port) { return std::to_string(port.number()); };
  std::string json = R"({"bind_addr":")" + options_.address + R"(","client_addr":")" + options_.address +
                     R"(","node_name":")" + options_.node_name +
                     R"(","disable_update_check":true,"log_level":"info","ports":{"http":)" + number(http_) +
                     R"(,"https":-1,"grpc":-1,"dns":-1,"serf_wan":-1,"server":)" + number(rpc_) +
                     R"(,"serf_lan":)" + number(serf_) + "}";
  if (options_.mode != Mode::kDev) json += R"(,"data_dir":")" + directory_ / "data" + "\"";
  if (options_.mode == Mode::kServer || options_.mode == Mode::kClusterServer) {
    json += R"(,"server":true,"bootstrap_expect":)";
    json += options_.mode == Mode::kServer ? "1" : "3";
    json += kServerSettings;
  }
  if (!join.empty()) json += R"(,"retry_interval":"250ms","retry_join":)" + json_list(join);
  std::ofstream(directory_ / "agent.json") << json << "}\n";
  if (!options_.extra_json.empty()) std::ofstream(directory_ / "extra.json") << options_.extra_json << "\n";
}

Result<void> RealConsul::launch(const std::vector<std::string>& join) {
  if (!join.empty()) join_ = join;
  kill_now();
  write_configuration(join_);
  Command command;
  command.argv = options_.launcher;
  command.argv.insert(command.argv.end(), {consul_program(), "agent"});
  if (options_.mode == Mode::kDev) command.argv.emplace_back("-dev");
  command.argv.push_back("-config-file=" + directory_ / "agent.json");
  if (!options_.extra_json.empty()) command.argv.push_back("-config-file=" + directory_ / "extra.json");
  // What the developer has set for Consul's tools is not for this agent.
  command.unset_env = {"CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_SSL", "CONSUL_NAMESPACE"};
  auto process = Process::spawn(command);
  if (!process) {
    return Error{process.error().code, process.error().text +
                                           "; install it with tests/install_consul.sh <build folder>/consul"
                                           " or name one in SHMCONF_CONSUL"};
  }
  process_.emplace(std::move(*process));
  return {};
}

Result<void> RealConsul::wait_ready(std::chrono::milliseconds limit) {
  // A consistent read needs an established leader, as a write does, but leaves no trace.
  const bool ready = eventually(
      [&] {
        if (!running()) return true;
        const auto answer = http_request(host(), port(), "GET", "/v1/kv/ready?consistent", {}, {},
                                         std::chrono::seconds(2));
        return answer.status == 404 || answer.status == 200;
      },
      limit, std::chrono::milliseconds(10));
  if (ready && running()) return {};
  return Error{ErrorCode::kTimeout,
               "Consul at " + url() + (running() ? " was not ready in time: " : " ended: ") +
                   (process_ ? tail(process_->stdout_text() + process_->stderr_text()) : "never launched")};
}

Result<void> RealConsul::restart() {
  if (auto launched = launch(); !launched) return launched;
  return wait_ready();
}

Result<void> RealConsul::restart_wiped() {
  kill_now();
  std::error_code ignored;
  std::filesystem::remove_all(directory_ / "data", ignored);
  return restart();
}

void RealConsul::stop() {
  if (!process_) return;
  process_->send_signal(SIGTERM);
  (void)process_->wait(std::chrono::seconds(15));
  kill_now();
}

std::string RealConsul::leader() {
  if (!running()) return {};
  const auto answer =
      http_request(host(), port(), "GET", "/v1/status/leader", {}, {}, std::chrono::seconds(1));
  const auto begin = answer.body.find('"');
  if (answer.status != 200 || begin == std::string::npos) return {};
  return answer.body.substr(begin + 1, answer.body.find('"', begin + 1) - begin - 1);
}

}  // namespace shmconf::harness
