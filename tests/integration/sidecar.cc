#include "integration/sidecar.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "harness/eventually.h"

namespace shmconf::integration {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kToolLimit{10'000};
constexpr milliseconds kSlice{20};

std::string tail(const std::string& text) {
  constexpr std::size_t kMost = 6000;
  return text.size() <= kMost ? text : "..." + text.substr(text.size() - kMost);
}

}  // namespace

Sidecar::Sidecar(SidecarOptions options) : options_(std::move(options)), root_("/dev/shm") {}

Sidecar::~Sidecar() {
  if (testing::Test::HasFailure()) std::fputs(logs().c_str(), stderr);
}

harness::Command Sidecar::command(const Words& words) const {
  harness::Command made;
  made.argv = {SHMCONF_BINARY};
  made.argv.insert(made.argv.end(), words.begin(), words.end());
  made.clear_env = true;
  made.set_env = {{"SHMCONF_NAME", "web"},
                  {"SHMCONF_DIR", root()},
                  {"SHMCONF_BACKUP", backup_file()},
                  {"SHMCONF_CONSUL_ADDRESS", options_.consul},
                  {"LANG", "C.UTF-8"}};
  for (const char* kept : {"PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = ::getenv(kept)) made.set_env[kept] = value;
  }
  for (const auto& [name, value] : options_.variables) made.set_env[name] = value;
  return made;
}

harness::Process& Sidecar::start(const std::string& command_word, const Words& more) {
  Words words = {command_word};
  words.insert(words.end(), options_.sources.begin(), options_.sources.end());
  words.insert(words.end(), more.begin(), more.end());
  auto process = harness::Process::spawn(command(words));
  if (!process) {
    std::fprintf(stderr, "%s\n", process.error().text.c_str());
    std::abort();
  }
  started_.push_back({command_word, std::move(*process)});
  return started_.back().process;
}

harness::Finished Sidecar::tool(const Words& words) const {
  auto finished = harness::run(command(words), kToolLimit);
  if (finished) return std::move(*finished);
  ADD_FAILURE() << finished.error().text;
  return {};
}

nlohmann::json Sidecar::status() const {
  const auto finished = tool({"status", "--json"});
  return nlohmann::json::parse(finished.out, nullptr, false);
}

OpenOptions Sidecar::open_options() const {
  OpenOptions options;
  options.directory = root();
  options.backup_file = backup_file();
  options.verify = true;
  return options;
}

Result<Reader> Sidecar::open(milliseconds limit) const {
  auto reader = Reader::open("web", open_options());
  const auto there = [&] {
    if (!reader) reader = Reader::open("web", open_options());
    return reader.ok();
  };
  static_cast<void>(harness::eventually(there, limit));
  return reader;
}

std::string Sidecar::logs() const {
  std::ostringstream text;
  for (const Started& started : started_) {
    text << "--- shmconf " << started.command << " (pid " << started.process.pid() << ")\n"
         << tail(started.process.stdout_text() + started.process.stderr_text());
  }
  return text.str();
}

pid_t child_of(const harness::Process& run, std::string_view command) {
  const std::string parent = std::to_string(run.pid());
  std::ifstream children("/proc/" + parent + "/task/" + parent + "/children");
  for (pid_t pid = 0; children >> pid;) {
    const std::string arguments = text_of("/proc/" + std::to_string(pid) + "/cmdline");
    // "shmconf", NUL, the command, NUL
    const std::size_t first = arguments.find('\0');
    if (first == std::string::npos || !is_running(pid)) continue;
    if (arguments.compare(first + 1, command.size() + 1, std::string(command) + '\0') == 0) return pid;
  }
  return 0;
}

bool is_running(pid_t pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  const auto after_name = stat.rfind(')');
  return after_name != std::string::npos && after_name + 2 < stat.size() && stat[after_name + 2] != 'Z' &&
         stat[after_name + 2] != 'X';
}

bool shows(Reader& reader, std::string_view key, std::string_view value, milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  do {
    if (reader.get(key) == value) return true;
    reader.wait_for_change(kSlice);
  } while (steady_clock::now() < deadline);
  return reader.get(key) == value;
}

bool has_verdict(Reader& reader, Verdict verdict, milliseconds limit) {
  return harness::eventually([&] { return reader.status().verdict == verdict; }, limit);
}

bool both_in_contact(Reader& reader) {
  return harness::eventually([&] {
    const Status status = reader.status();
    return status.role(format::Role::kWatch).contact_age && status.role(format::Role::kHeartbeat).contact_age;
  });
}

bool is_one_line_of(const std::string& text, const std::string& command) {
  return text.starts_with("shmconf " + command + ": ") && text.find('\n') == text.size() - 1;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // of a process that ends meanwhile there is nothing to read, and nothing to throw
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void flip_bit(const std::string& path, std::size_t at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
  if (!file.flush()) ADD_FAILURE() << "cannot change '" << path << "'";
}

}  // namespace shmconf::integration
