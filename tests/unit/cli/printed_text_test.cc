// What get --detailed and wait --timestamp print.
#include <gtest/gtest.h>

#include <string>

#include "cli/get.h"
#include "cli/wait.h"
#include "shmconf/snapshot_view.h"

namespace shmconf::cli {
namespace {

TEST(TimestampText, WritesNineDigitsBehindThePoint) {
  EXPECT_EQ(timestamp_text({.tv_sec = 1'700'000'000, .tv_nsec = 42}), "1700000000.000000042");
  EXPECT_EQ(timestamp_text({.tv_sec = 1'700'000'000, .tv_nsec = 999'999'999}), "1700000000.999999999");
}

TEST(DetailedText, IsAlignedAsConsulDoes) {
  format::Record record{};
  record.create_index = 13;
  record.modify_index = 18677;
  format::Attributes attributes{};
  attributes.flags = 42;
  attributes.lock_index = 1;
  const std::string session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
  session.copy(attributes.session.data(), session.size());
  Entry entry{.key = "redis/config/other", .value = "1234", .record = &record, .attributes = &attributes};
  EXPECT_EQ(detailed_text(entry),
            "CreateIndex      13\n"
            "Flags            42\n"
            "Key              redis/config/other\n"
            "LockIndex        1\n"
            "ModifyIndex      18677\n"
            "Session          adf4238a-882b-9ddc-4a9d-5b6758e4159e\n"
            "Value            1234\n");
  entry.attributes = nullptr;
  EXPECT_EQ(detailed_text(entry),
            "CreateIndex      13\n"
            "Flags            0\n"
            "Key              redis/config/other\n"
            "LockIndex        0\n"
            "ModifyIndex      18677\n"
            "Session          -\n"
            "Value            1234\n");
}

}  // namespace
}  // namespace shmconf::cli
