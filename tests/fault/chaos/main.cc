// chaos [--seed N] [--minutes M] [--sidecar FILE]: breaks everything around and inside the sidecar, again and again, while a
// writer changes the configuration in Consul, and judges every snapshot that readers see.
//
// It goes in rounds: twenty seconds of faults, then everything is mended, and within a minute the
// newest state has to reach every reader and the backup, and status has to say "live". Without a seed,
// a random one is taken and printed: it decides which faults come when. Real processes decide the
// rest, so a second run with the same seed breaks the same things, and may show something else. The
// sidecar is shmconf_chaos_sidecar; another build of it shows whether chaos finds a defect in it.
// Exit code 0: nothing was violated; 1: something was, and is told where it happened; 2: bad usage;
// 3: the test itself could not be run.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fault/chaos/chaos.h"

namespace {

constexpr const char* kInside = "CHAOS_HAS_MOUNTS";

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<shmconf::chaos::Options> parse(int argc, char** argv) {
  shmconf::chaos::Options options;
  options.sidecar = CHAOS_SIDECAR;
  std::random_device device;
  options.seed = static_cast<std::uint64_t>(device()) << 32 | device();
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) return std::nullopt;
    if (flag == "--seed" && parse(argv[i + 1], options.seed)) continue;
    if (flag == "--sidecar") {
      options.sidecar = argv[i + 1];
      continue;
    }
    double minutes = 0;
    if (flag != "--minutes" || !parse(argv[i + 1], minutes) || minutes <= 0) return std::nullopt;
    options.length = std::chrono::seconds(static_cast<std::int64_t>(minutes * 60));
  }
  return options;
}

// This program again, in a mount namespace of its own; where it may not mount, in a user namespace too.
void enter_namespace(int argc, char** argv) {
  ::setenv(kInside, "1", 1);
  std::vector<char*> arguments = {const_cast<char*>("unshare"), const_cast<char*>(::geteuid() == 0 ? "-m" : "-rm"),
                                  const_cast<char*>("/proc/self/exe")};
  std::string self(4096, '\0');
  const auto length = ::readlink("/proc/self/exe", self.data(), self.size());
  self.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  arguments.back() = self.data();
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  arguments.push_back(nullptr);
  ::execvp("unshare", arguments.data());
  std::perror("unshare");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: %s [--seed N] [--minutes M] [--sidecar FILE]\n", argv[0]);
    return 2;
  }
  if (::getenv(kInside) == nullptr) {
    enter_namespace(argc, argv);
    return 3;
  }
  ::unsetenv(kInside);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return shmconf::chaos::run(*options);
}
