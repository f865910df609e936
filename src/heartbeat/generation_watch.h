// GenerationWatch: a thread that sleeps until the segment's generation moves, and then says so.
//
// It costs next to nothing while nothing moves. It has the control page's file open and mapped for
// itself, so the segment may be replaced meanwhile; it tells that too, and that somebody has cut the
// file short, as a last word. Destroying it ends the thread, which takes up to a second when the file
// was cut short.
#ifndef SHMCONF_HEARTBEAT_GENERATION_WATCH_H_
#define SHMCONF_HEARTBEAT_GENERATION_WATCH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "env/env.h"
#include "env/fd.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf::heartbeat {

class GenerationWatch {
 public:
  // directory is the segment's. changed is called in the thread, soon after the generation has
  // become another one than it is now, and must not block.
  // Errors: kSystem and kNoSpace when descriptors, threads or memory ran out; kDamaged.
  static Result<std::unique_ptr<GenerationWatch>> start(env::Env& env, int directory, std::function<void()> changed);

  GenerationWatch(const GenerationWatch&) = delete;
  GenerationWatch& operator=(const GenerationWatch&) = delete;
  ~GenerationWatch();

 private:
  // Of the page's file, and a map of it.
  GenerationWatch(env::Fd file, void* page, std::uint64_t seen, std::function<void()> changed);
  Result<void> start_thread();
  void watch();
  long futex(int operation, std::uint32_t value) const;

  env::Fd file_;
  void* page_;  // for the futex's address alone, which the kernel looks at: to touch it may be SIGBUS
  std::function<void()> changed_;
  std::uint64_t seen_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace shmconf::heartbeat

#endif  // SHMCONF_HEARTBEAT_GENERATION_WATCH_H_
