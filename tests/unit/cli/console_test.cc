#include "cli/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "env/fd.h"

namespace shmconf::cli {
namespace {

TEST(Output, WritesEveryByteInOrderAcrossItsBuffer) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const env::Fd reading(ends[0]);
  env::Fd writing(ends[1]);
  ASSERT_GE(::fcntl(writing.get(), F_SETPIPE_SZ, 1 << 18), 1 << 18);
  std::string expected;
  Output out(writing.get());
  for (int i = 0; i < 30'000; ++i) {
    out << std::to_string(i) << "\n";
    expected += std::to_string(i) + "\n";
  }
  ASSERT_TRUE(out.finish());
  writing.reset();
  std::string seen;
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = ::read(reading.get(), piece.data(), piece.size())) > 0;) {
    seen.append(piece.data(), static_cast<std::size_t>(count));
  }
  EXPECT_EQ(seen, expected);
}

TEST(Output, TellsThatTheDiskIsFull) {
  const env::Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  Output out(full.get());
  out << "something";
  const Result<void> written = out.finish();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNoSpace);
}

}  // namespace
}  // namespace shmconf::cli
