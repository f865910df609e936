#include "bench/published.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "env/env.h"

namespace shmconf::bench {

namespace {

constexpr char kName[] = "bench";

template <class T>
T or_die(Result<T> result) {
  if (result) return std::move(result.value());
  std::fprintf(stderr, "bench: %s\n", result.error().text.c_str());
  std::exit(1);
}

}  // namespace

Published::Published(const Dataset& dataset)
    : dataset_(dataset),
      segment_(or_die(shm::Segment::attach(
          env::Env::posix(), {.root = root_.path(), .root_is_default = false, .name = kName, .group = {}}))),
      publisher_(or_die(shm::Publisher::attach(env::Env::posix(), segment_, format::Role::kWatch))),
      reader_((publish_change(), prepare_next(), open())) {}

Reader Published::open() const { return or_die(Reader::open(kName, {.directory = root_.path()})); }

void Published::publish_change() {
  changing_value_ = std::to_string(++generations_);
  changing_value_.resize(kValueBytes, '.');
  shm::Content content;
  content.keys.reserve(dataset_.keys().size());
  for (std::size_t i = 0; i < dataset_.keys().size(); ++i) {
    const bool changing = i + 1 == dataset_.keys().size();
    content.keys.push_back({.key = dataset_.keys()[i],
                            .value = changing ? changing_value_ : dataset_.values()[i],
                            .modify_index = changing ? generations_ : 1,
                            .session = {}});
  }
  content.indexes = {generations_};
  std::uint64_t noted = publisher_.note();
  or_die(publisher_.publish(content, noted, {}, {}));
}

ChangingProcess::ChangingProcess(Published& published, std::chrono::microseconds interval) : pid_(::fork()) {
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    published.publish_change();
    published.prepare_next();
    next += interval;
    const auto left = next - std::chrono::steady_clock::now();
    if (left > std::chrono::steady_clock::duration::zero()) {
      ::usleep(static_cast<useconds_t>(std::chrono::duration_cast<std::chrono::microseconds>(left).count()));
    }
  }
}

ChangingProcess::~ChangingProcess() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace shmconf::bench
