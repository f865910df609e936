#include "hardening/core_dumps.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "unit/hardening/in_child.h"

namespace shmconf::hardening {
namespace {

TEST(CoreDumpsSetting, IsTheProcessesAndIsToldBefore) {
  EXPECT_EQ(in_child([] {
              std::string text;
              const auto note = [&] { text += std::to_string(::prctl(PR_GET_DUMPABLE)); };
              note();
              const CoreDumps first = set_core_dumps(CoreDumps::kForbidden);
              note();
              const CoreDumps second = set_core_dumps(first);
              note();
              return text + (second == CoreDumps::kForbidden ? " forbidden" : " allowed");
            }),
            "101 forbidden");
}

}  // namespace
}  // namespace shmconf::hardening
