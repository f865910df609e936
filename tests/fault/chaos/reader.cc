// chaos_reader MODE DIRECTORY BACKUP OUTPUT: reads as a service does, and appends each snapshot that it
// sees, whole, as one line to the file OUTPUT; chaos judges them.
//
//   wait    sleeps until there is a change
//   poll    reads all the time
//   reopen  opens anew each time
//
//   S <steady ns> <c: from the sidecar | b: from a backup> <reads so far> <key>=<value> ...
//   V <what no reader should ever see>
//   O <code> <text>    could not be opened
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "fault/chaos/value.h"
#include "shmconf/reader.h"

namespace shmconf::chaos {
namespace {

using namespace std::chrono_literals;

class ReaderProgram {
 public:
  ReaderProgram(OpenOptions options, int output) : options_(std::move(options)), output_(output) {}

  [[noreturn]] void wait() {
    Reader reader = open();
    for (;;) {
      look(reader);
      reader.wait_for_change(1s);
    }
  }

  [[noreturn]] void poll() {
    constexpr int kReadsBetweenPolls = 1'000;
    Reader reader = open();
    for (;;) {
      for (int i = 0; i < kReadsBetweenPolls; ++i) {
        ++reads_;
        static_cast<void>(reader.get(kStamps[0]));
        if (reader.generation() != seen_.generation) look(reader);
      }
      reader.poll();  // the segment may be another one
      look(reader);
      std::this_thread::sleep_for(1ms);
    }
  }

  [[noreturn]] void reopen() {
    for (;;) {
      look(open());
      std::this_thread::sleep_for(5ms);
    }
  }

 private:
  struct Seen {
    std::uint64_t generation = 0;
    bool from_backup = false;
    bool operator==(const Seen&) const = default;
  };

  void say(std::string line) const {
    line += '\n';
    // In one piece; the disk that it goes to is not among those that are filled.
    if (::write(output_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
  }

  Reader open() {
    std::string told;
    for (;;) {
      auto reader = Reader::open("web", options_);
      if (reader) return std::move(*reader);
      std::string line = "O " + std::to_string(static_cast<int>(reader.error().code)) + " " + reader.error().text;
      if (line != told) say(line);
      told = std::move(line);
      std::this_thread::sleep_for(2ms);
    }
  }

  void look(const Reader& reader) {
    const Snapshot snapshot = reader.snapshot();
    const Status status = reader.status();
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (status.generation != snapshot.generation()) return;  // it moved in between: there is a next look
    const Seen seen{.generation = snapshot.generation(),
                    .from_backup = status.from_file || status.origin == format::Origin::kBackup};
    if (seen == seen_) return;
    seen_ = seen;
    if (const auto sound = snapshot.verify(); !sound) return say("V " + sound.error().text);
    std::string line = "S " + std::to_string(std::chrono::nanoseconds(now).count()) + (seen.from_backup ? " b " : " c ");
    std::string pairs;
    Entries entries = snapshot.prefix("");
    for (const Entry& entry : entries) {
      ++reads_;
      if (snapshot.get(entry.key) != entry.value) return say("V " + std::string(entry.key) + " is listed, not found");
      pairs += " " + std::string(entry.key) + "=" + shortened(entry.value);
    }
    say(line + std::to_string(reads_) + pairs);
  }

  const OpenOptions options_;
  const int output_;
  Seen seen_;
  std::uint64_t reads_ = 0;
};

}  // namespace
}  // namespace shmconf::chaos

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s wait|poll|reopen DIRECTORY BACKUP OUTPUT\n", argv[0]);
    return 2;
  }
  const int output = ::open(argv[4], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) {
    std::perror(argv[4]);
    return 1;
  }
  shmconf::OpenOptions options;
  options.directory = argv[2];
  options.backup_file = argv[3];
  const std::string_view mode = argv[1];
  shmconf::chaos::ReaderProgram program(std::move(options), output);
  if (mode == "wait") program.wait();
  if (mode == "poll") program.poll();
  program.reopen();
}
