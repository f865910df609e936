// Sidecar: the real binary at work for the service "web" of one test: a segment directory on tmpfs, a
// backup directory on disk, the processes that the test starts, and readers of what they publish.
//
// Not thread-safe; start processes from the test's main thread. Readers that were opened live on
// their own, and only the files go with this object. When the test has failed by then, what the
// processes logged is printed.
#ifndef SHMCONF_TESTS_INTEGRATION_SIDECAR_H_
#define SHMCONF_TESTS_INTEGRATION_SIDECAR_H_

#include <sys/types.h>

#include <chrono>
#include <list>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/process.h"
#include "harness/temp_directory.h"
#include "shmconf/reader.h"

namespace shmconf::integration {

using Words = std::vector<std::string>;

struct SidecarOptions {
  std::string consul;                            // address of Consul's HTTP interface
  Words sources = {"--prefix", "config/web/"};   // in order
  std::map<std::string, std::string> variables = {};  // SHMCONF_* for every process, on top of the fixture's
};

class Sidecar {
 public:
  explicit Sidecar(SidecarOptions options);
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;
  ~Sidecar();

  // Runs `shmconf <command>`, a process of the sidecar, with the test's sources. Ends the test
  // program where it cannot be executed. The reference lives as long as this object.
  harness::Process& start(const std::string& command, const Words& more = {});
  // Runs another command to its end, within ten seconds.
  harness::Finished tool(const Words& words) const;
  // `status --json`; null where it printed none.
  nlohmann::json status() const;
  // How either is run: for tests that do more with it.
  harness::Command command(const Words& words) const;

  // A reader, as soon as there is a configuration. Error: the last one when there was none in limit.
  Result<Reader> open(std::chrono::milliseconds limit = std::chrono::seconds(10)) const;
  OpenOptions open_options() const;

  const std::string& root() const { return root_.path(); }
  std::string directory() const { return root_ / "web"; }
  std::string backup_file() const { return disk_ / "web.snapshot"; }
  std::string file(const std::string& name) const { return disk_ / name; }
  SidecarOptions& options() { return options_; }

  // What all processes have logged.
  std::string logs() const;

 private:
  struct Started {
    std::string command;
    harness::Process process;
  };

  SidecarOptions options_;
  harness::TempDirectory root_;
  harness::TempDirectory disk_;
  std::list<Started> started_;
};

// The child of a `run` that was started as `shmconf <command>`; 0 when there is none now.
pid_t child_of(const harness::Process& run, std::string_view command);
// Whether the process exists and has not ended.
bool is_running(pid_t pid);

// Waits until the reader shows this value; false when it did not within limit.
bool shows(Reader& reader, std::string_view key, std::string_view value,
           std::chrono::milliseconds limit = std::chrono::seconds(10));
// Likewise until the reader's status has this verdict.
bool has_verdict(Reader& reader, Verdict verdict, std::chrono::milliseconds limit = std::chrono::seconds(10));

// Waits until watch and heartbeat have both compared with Consul, so that their starts are over.
bool both_in_contact(Reader& reader);

// One line, which says which command complains.
bool is_one_line_of(const std::string& text, const std::string& command);

std::string text_of(const std::string& path);
void write_text(const std::string& path, const std::string& text);
// Flips one bit of a file in place.
void flip_bit(const std::string& path, std::size_t at);

}  // namespace shmconf::integration

#endif  // SHMCONF_TESTS_INTEGRATION_SIDECAR_H_
