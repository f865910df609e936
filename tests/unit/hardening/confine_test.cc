// What confine() takes from a process, and what it leaves where the needs ask for it.
#include "hardening/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "hardening/capabilities.h"
#include "harness/temp_directory.h"
#include "unit/hardening/in_child.h"

namespace shmconf::hardening {
namespace {

using Access = Need::Access;
constexpr char kNone[] = "0000000000000000";
constexpr char kReadSearch[] = "0000000000000004";
constexpr char kOverride[] = "0000000000000002";

// Root's own files need no capability; those that have no mode for their owner do, as another user's.
class Confine : public ::testing::Test {
 protected:
  ~Confine() override { std::filesystem::permissions(directory_.path(), std::filesystem::perms::owner_all); }

  std::string make_file(const std::string& name, mode_t mode) {
    std::ofstream(directory_ / name) << "text";
    ::chmod((directory_ / name).c_str(), mode);
    return directory_ / name;
  }

  // The capabilities and notes of a root that has confined itself, and then what the function says.
  static std::string confined(const Needs& needs, const std::function<std::string()>& then = nullptr) {
    return in_child([&] {
      become_root();
      std::string text;
      const auto notes = confine(needs);
      for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) text += status_line(set) + " ";
      for (const Note& note : notes) text += (note.kind == Note::Kind::kKept ? "kept: " : "refused: ") + note.text + "\n";
      return then ? text + then() : text;
    });
  }
  // With one capability in the sets that count.
  static std::string sets_with(const std::string& kept) {
    return std::string(kNone) + " " + kept + " " + kept + " " + kept + " " + kNone + " ";
  }

  harness::TempDirectory directory_;
};

TEST_F(Confine, RootKeepsNothingAndGetsNothingBack) {
  EXPECT_EQ(confined({}, [] { return status_line("NoNewPrivs") + " " + status_line("Seccomp"); }),
            sets_with(kNone) + "1 2");
}

TEST_F(Confine, WhatIsWithinReachKeepsNoCapability) {
  const Needs needs{.paths = {{"the token file", make_file("token", 0400), Access::kRead},
                              {"the root", directory_.path(), Access::kMakeFiles},
                              {"the backup's directory", directory_ / "not/there/yet", Access::kMakeFiles},
                              {"the authorities", directory_ / "absent", Access::kRead}},
                    .group = 0};  // root is in it
  EXPECT_EQ(confined(needs), sets_with(kNone));
}

TEST_F(Confine, AFileThatOnlyAnotherUserMayReadKeepsTheRightToRead) {
  const std::string token = make_file("token", 0);
  const std::string text = confined({.paths = {{"the token file", token, Access::kRead}}, .group = {}}, [&] {
    std::string content;
    std::ifstream(token) >> content;
    const int written = ::open(token.c_str(), O_WRONLY | O_CLOEXEC);
    return content + (written < 0 ? ", not writable" : ", writable");
  });
  EXPECT_TRUE(text.starts_with(sets_with(kReadSearch) + "kept: keeps CAP_DAC_READ_SEARCH for the token file '")) << text;
  EXPECT_TRUE(text.ends_with("\ntext, not writable")) << text;
}

TEST_F(Confine, ADirectoryOfAnotherUsersKeepsTheRightToWrite) {
  ::chmod(directory_.path().c_str(), 0500);
  const Needs needs{.paths = {{"the backup's directory", directory_ / "new", Access::kMakeFiles}}, .group = {}};
  const std::string text = confined(needs, [&] {
    return std::string(::mkdir((directory_ / "new").c_str(), 0700) == 0 ? "made" : "refused");
  });
  EXPECT_TRUE(text.starts_with(sets_with(kOverride) + "kept: keeps CAP_DAC_OVERRIDE for the backup's directory '"))
      << text;
  EXPECT_TRUE(text.ends_with("\nmade")) << text;
}

TEST_F(Confine, ASocketThatIsNotThereYetMayTurnOutToBeAnothers) {
  const std::string socket = directory_ / "consul.sock";
  EXPECT_TRUE(confined({.paths = {{"Consul's socket", socket, Access::kConnect}}, .group = {}})
                  .starts_with(sets_with(kOverride)));
  make_file("consul.sock", 0600);
  EXPECT_EQ(confined({.paths = {{"Consul's socket", socket, Access::kConnect}}, .group = {}}), sets_with(kNone));
}

TEST_F(Confine, WithoutAnyCapabilityNothingIsKeptOrNoted) {
  EXPECT_EQ(in_child([&] {
              become_root();
              static_cast<void>(confine({}));
              const Needs needs{.paths = {{"the token file", "/proc/1/environ", Access::kRead}}, .group = {}};
              std::string text;
              for (const Note& note : confine(needs)) {
                if (note.kind == Note::Kind::kKept) text += note.text;
              }
              return text + "nothing";
            }),
            "nothing");
}

// As SystemCallFilter=~@privileged of a systemd unit does.
bool deny_capset() {
  std::array<sock_filter, 4> program = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_capset, 0, 1),
                                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_F(Confine, WithoutAnyCapabilityNothingIsAskedOfTheKernel) {
  EXPECT_EQ(in_child([] {
              const cap_t none = ::cap_init();
              const bool denied = ::cap_set_proc(none) == 0 && deny_capset() && ::cap_set_proc(none) != 0;
              ::cap_free(none);
              std::string text = denied ? "denied" : "not denied";
              for (const Note& note : give_up_capabilities({})) text += ", " + note.text;
              return text;
            }),
            "denied");
}

TEST_F(Confine, NoCoreDumpsOfThisProcess) {
  // By what it does to the owner of these files, which root cannot tell; prctl() is denied by then.
  const auto owner = [] {
    struct stat info {};
    return ::stat("/proc/self/environ", &info) == 0 && info.st_uid == ::geteuid() ? "ours" : "root's";
  };
  EXPECT_EQ(in_child([&] {
              constexpr uid_t kNobody = 65534;
              if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return std::string("still root");
              ::prctl(PR_SET_DUMPABLE, 1);
              std::string text = owner();
              static_cast<void>(confine({}));
              return text + ", then " + owner();
            }),
            "ours, then root's");
}

}  // namespace
}  // namespace shmconf::hardening
