// ActivityFixture: a fake Consul, a segment, and a Follower or a Beat that works in a thread of its own.
#ifndef SHMCONF_TESTS_FAULT_ACTIVITY_FIXTURE_H_
#define SHMCONF_TESTS_FAULT_ACTIVITY_FIXTURE_H_

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "backup/store.h"
#include "fault/state_fixture.h"
#include "sources/activity.h"
#include "sources/liveness.h"

namespace shmconf::fault {

class ActivityFixture : public ::testing::Test {
 protected:
  explicit ActivityFixture(format::Role role)
      : role_(role), observer_(attach(root_.path(), other(role))), target_(attach(root_.path(), role)) {
    settings_.name = "web";
    settings_.sources = {prefix("web/")};
    settings_.consul.address = consul_.url();
    liveness_.emplace(env::Env::posix(), *target_, std::chrono::seconds(1));
    thread_ = std::thread([this] { io_.run(); });
  }
  ~ActivityFixture() override {
    static_cast<void>(stop());
    work_.reset();
    thread_.join();
  }

  virtual std::unique_ptr<sources::Activity> make(const sources::Surroundings& surroundings) = 0;

  void start() {
    in_loop([this] {
      activity_ = make({.io = io_, .env = env::Env::posix(), .target = *target_, .liveness = *liveness_,
                        .backup = &store_});
      activity_->start();
    });
  }
  // How long the end took.
  std::chrono::milliseconds stop() {
    const auto start = std::chrono::steady_clock::now();
    if (!activity_) return 0ms;
    std::promise<void> ended;
    in_loop([&] { activity_->stop([&] { ended.set_value(); }); });
    ended.get_future().wait();
    in_loop([this] { activity_.reset(); });
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  }
  void in_loop(const std::function<void()>& action) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Another process's view of the segment.
  std::string published() { return text_of(*observer_); }
  bool publishes(const std::string& text, std::chrono::milliseconds limit = 10s) {
    const bool did = harness::eventually([&] { return published() == text; }, limit);
    EXPECT_EQ(published(), text);
    return did;
  }
  format::RoleState& line() { return observer_->segment().role(role_); }
  // Requests for this that came without an index.
  std::size_t reads_of(const std::string& part) {
    std::size_t count = 0;
    for (const auto& request : consul_.requests()) {
      const std::string& target = request.target;
      count += target.find(part) != std::string::npos && target.find("index=") == std::string::npos ? 1 : 0;
    }
    return count;
  }
  std::size_t polls() {
    std::size_t count = 0;
    for (const auto& request : consul_.requests()) count += request.target.find("index=") != std::string::npos ? 1 : 0;
    return count;
  }
  // Waits until so many long polls are outstanding since forget_requests(), or the fixture's start.
  bool polling(std::size_t count) {
    return harness::eventually([&] { return polls() >= count; });
  }

  fakes::FakeConsul consul_;
  harness::TempDirectory root_;
  settings::Settings settings_;
  format::Role role_;
  std::unique_ptr<PublishTarget> observer_;
  std::unique_ptr<PublishTarget> target_;
  backup::Store store_{env::Env::posix(), root_ / "backup/web.snapshot"};
  std::optional<sources::Liveness> liveness_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ = boost::asio::make_work_guard(io_);
  std::unique_ptr<sources::Activity> activity_;
  std::thread thread_;

 private:
  static format::Role other(format::Role role) {
    return role == format::Role::kWatch ? format::Role::kHeartbeat : format::Role::kWatch;
  }
};

}  // namespace shmconf::fault

#endif  // SHMCONF_TESTS_FAULT_ACTIVITY_FIXTURE_H_
