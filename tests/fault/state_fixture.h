// StateFixture: a fake Consul, a segment of its own, and a StateReader between them.
#ifndef SHMCONF_TESTS_FAULT_STATE_FIXTURE_H_
#define SHMCONF_TESTS_FAULT_STATE_FIXTURE_H_

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/store.h"
#include "consul/client.h"
#include "fakes/fake_consul.h"
#include "harness/eventually.h"
#include "harness/temp_directory.h"
#include "sources/publish_target.h"
#include "sources/state_reader.h"

namespace shmconf::fault {

using settings::Source;
using sources::Published;
using sources::PublishTarget;
using sources::StateReader;
using namespace std::chrono_literals;

inline Source prefix(std::string path) { return {.kind = Source::Kind::kPrefix, .path = std::move(path)}; }
inline Source key(std::string path) { return {.kind = Source::Kind::kKey, .path = std::move(path)}; }

inline std::unique_ptr<PublishTarget> attach(const std::string& root, format::Role role) {
  shm::Place place{.root = root, .root_is_default = false, .name = "web", .group = {}};
  auto target = PublishTarget::attach(env::Env::posix(), std::move(place), role);
  EXPECT_TRUE(target) << target.error().text;
  return std::move(*target);
}

// The configuration as "key=value " of each key; "-" when there is none.
inline std::string text_of(PublishTarget& target) {
  const auto view = target.current();
  if (!view) return "-";
  std::string all;
  auto walk = view->walk();
  Entry entry;
  while (walk.next(entry)) all += std::string(entry.key) + "=" + std::string(entry.value) + " ";
  return all;
}

inline std::uint32_t generation_of(PublishTarget& target) {
  return static_cast<std::uint32_t>(target.segment().page().generation.load());
}

// Runs the coroutine to its end, in this thread.
template <typename T>
T finish(boost::asio::io_context& io, boost::asio::awaitable<T> task) {
  std::optional<T> result;
  const auto keep = [](boost::asio::awaitable<T> inner, std::optional<T>& into) -> boost::asio::awaitable<void> {
    into.emplace(co_await std::move(inner));
  };
  boost::asio::co_spawn(io, keep(std::move(task), result), boost::asio::detached);
  io.restart();
  io.run();
  return std::move(*result);
}

class StateFixture : public ::testing::Test {
 protected:
  StateFixture() {
    settings_.name = "web";
    settings_.sources = {prefix("web/")};
    settings_.consul.address = consul_.url();
    limits_.stand_still = 200ms;
  }

  void make_reader() {
    reader_ = std::make_unique<StateReader>(
        io_, settings_,
        StateReader::Events{.answered = [this] { std::exchange(at_next_answer_, [] {})(); },
                            .waiting = [this](const auto&) { ++waited_; }},
        limits_, &store_);
    client_ = std::make_unique<consul::Client>(io_, settings_.consul);
  }

  StateReader::Lanes lanes() { return StateReader::Lanes(settings_.sources.size(), client_.get()); }
  Result<Published> synchronize(int attempts = 3) {
    if (!reader_) make_reader();
    return finish(io_, reader_->synchronize(lanes(), *target_, attempts));
  }
  // In another thread, so that the test can interfere.
  std::future<Result<Published>> synchronize_aside(int attempts = 3) {
    if (!reader_) make_reader();
    return std::async(std::launch::async, [this, attempts] { return synchronize(attempts); });
  }
  // As another process would, from the start.
  Result<Published> synchronize_as(format::Role role) {
    const auto peer = attach(root_.path(), role);
    boost::asio::io_context io{1};
    consul::Client client(io, settings_.consul);
    StateReader reader(io, settings_, {.answered = [] {}, .waiting = [](const auto&) {}}, limits_);
    return finish(io, reader.synchronize(StateReader::Lanes(settings_.sources.size(), &client), *peer, 3));
  }
  std::string published() { return text_of(*target_); }

  bool asked_for(const std::string& part) {
    for (const auto& request : consul_.requests()) {
      if (request.target.find(part) != std::string::npos) return true;
    }
    return false;
  }
  std::size_t times_asked_for(const std::string& part) {
    std::size_t count = 0;
    for (const auto& request : consul_.requests()) count += request.target.find(part) != std::string::npos ? 1 : 0;
    return count;
  }

  fakes::FakeConsul consul_;
  harness::TempDirectory root_;
  settings::Settings settings_;
  sources::ReadLimits limits_;
  backup::Store store_{env::Env::posix(), root_ / "backup/web.snapshot"};
  boost::asio::io_context io_{1};
  std::unique_ptr<PublishTarget> target_ = attach(root_.path(), format::Role::kWatch);
  std::unique_ptr<StateReader> reader_;
  std::unique_ptr<consul::Client> client_;
  std::function<void()> at_next_answer_ = [] {};  // once, when it is here and has not been looked at
  int waited_ = 0;
};

}  // namespace shmconf::fault

#endif  // SHMCONF_TESTS_FAULT_STATE_FIXTURE_H_
