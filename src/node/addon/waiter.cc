#include "addon/waiter.h"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

namespace shmconf::node {
namespace {

// How long a thread may outlast its end.
constexpr std::chrono::milliseconds kSlice{500};

// What the thread and the event loop share. A bell that was taken down never rings again.
class Bell {
 public:
  void hang(napi_threadsafe_function ring) noexcept { ring_ = ring; }

  // False: it was taken down. What is waiting to be heard already is enough: the queue holds one.
  bool ring() noexcept {
    const std::lock_guard lock(mutex_);
    if (ring_ == nullptr) return false;
    napi_call_threadsafe_function(ring_, nullptr, napi_tsfn_nonblocking);
    return true;
  }

  [[nodiscard]] bool is_up() noexcept {
    const std::lock_guard lock(mutex_);
    return ring_ != nullptr;
  }

  void keep_alive(napi_env env, bool alive) noexcept {
    const std::lock_guard lock(mutex_);
    if (ring_ == nullptr) return;
    alive ? napi_ref_threadsafe_function(env, ring_) : napi_unref_threadsafe_function(env, ring_);
  }

  void take_down() noexcept {
    const std::lock_guard lock(mutex_);
    if (ring_ != nullptr) napi_release_threadsafe_function(ring_, napi_tsfn_abort);
    ring_ = nullptr;
  }

 private:
  std::mutex mutex_;
  napi_threadsafe_function ring_ = nullptr;
};

void run(const std::shared_ptr<Bell>& bell, const ReaderHandle& reader, std::uint64_t after) noexcept {
  while (bell->is_up()) {
    const shmconf_code code = shmconf_wait_after(reader.get(), kSlice.count(), after);
    if (code == SHMCONF_TIMEOUT) continue;
    if (code != SHMCONF_OK) {
      std::this_thread::sleep_for(kSlice);  // no memory
      continue;
    }
    after = shmconf_generation(reader.get());
    if (!bell->ring()) return;
  }
}

// Signals are for the threads that Node has for them.
void start(std::shared_ptr<Bell> bell, ReaderHandle reader, std::uint64_t after) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([bell = std::move(bell), reader = std::move(reader), after] {
      pthread_setname_np(pthread_self(), "shmconf-changes");
      run(bell, reader, after);
    }).detach();
  } catch (const std::system_error&) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

class Waiter {
 public:
  Waiter(napi_env env, std::shared_ptr<Bell> bell) noexcept : env_(env), bell_(std::move(bell)) {
    // After that of the bell's own function, so run before it.
    napi_add_env_cleanup_hook(env_, take_down, bell_.get());
  }
  Waiter(const Waiter&) = delete;
  ~Waiter() {
    napi_remove_env_cleanup_hook(env_, take_down, bell_.get());
    bell_->take_down();
  }

  [[nodiscard]] Bell& bell() const noexcept { return *bell_; }

 private:
  static void take_down(void* bell) { static_cast<Bell*>(bell)->take_down(); }

  napi_env env_;
  std::shared_ptr<Bell> bell_;
};

napi_value keep_alive(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  const auto* const waiter = instance_of<Waiter>(env, given.self);
  if (waiter != nullptr) waiter->bell().keep_alive(env, truth_of(env, given.values[0]));
  return undefined(env);
}

napi_value stop(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  const auto* const waiter = instance_of<Waiter>(env, given.self);
  if (waiter != nullptr) waiter->bell().take_down();
  return undefined(env);
}

napi_value construct(napi_env env, napi_callback_info info) { return Arguments(env, info).self; }

}  // namespace

napi_value define_waiter_class(napi_env env) {
  const std::array<napi_property_descriptor, 2> methods{{
      {"keepAlive", nullptr, keep_alive, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"stop", nullptr, stop, nullptr, nullptr, nullptr, napi_default, nullptr},
  }};
  napi_value made = nullptr;
  napi_define_class(env, "Waiter", NAPI_AUTO_LENGTH, construct, nullptr, methods.size(), methods.data(), &made);
  return made;
}

napi_value make_waiter(napi_env env, ReaderHandle reader, napi_value moved, std::uint64_t after) {
  auto bell = std::make_shared<Bell>();
  napi_threadsafe_function ring = nullptr;
  const napi_status made =
      napi_create_threadsafe_function(env, moved, nullptr, make_text(env, "shmconf changes"), 1, 1, nullptr, nullptr,
                                      nullptr, nullptr, &ring);
  if (made != napi_ok) return raise(env, SHMCONF_SYSTEM, "cannot wait for changes: the environment is ending");
  bell->hang(ring);
  bell->keep_alive(env, false);
  auto waiter = std::make_unique<Waiter>(env, bell);
  try {
    start(bell, std::move(reader), after);
  } catch (const std::system_error& none) {
    return raise(env, SHMCONF_SYSTEM, none.what());
  }
  return make_instance(env, environment_of(env).waiter_class, std::move(waiter));
}

}  // namespace shmconf::node
