// Buffer: content survives every growth, and padding always follows it.
#include "consul/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace shmconf::consul {
namespace {

// Under the address sanitizer a write beyond the memory ends the test.
void write_padding(Buffer& buffer) { std::memset(buffer.data() + buffer.size(), '#', Buffer::kPaddingBytes); }

TEST(Buffer, KeepsContentThroughGrowth) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(buffer.append(piece).ok());
    expected += piece;
    if (!expected.empty()) write_padding(buffer);
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(Buffer, HasRoomForWhatWasReserved) {
  Buffer buffer;
  EXPECT_EQ(buffer.room(), 0u);
  ASSERT_TRUE(buffer.append("abc").ok());
  for (const std::size_t bytes : {std::size_t{10'000}, std::size_t{1} << 20, std::size_t{9} << 20}) {
    ASSERT_TRUE(buffer.reserve(bytes).ok());
    ASSERT_GE(buffer.room(), bytes);
    std::memset(buffer.data() + buffer.size(), 'x', bytes + Buffer::kPaddingBytes);
    EXPECT_EQ(buffer.view(), "abc") << "what was not committed is no content";
  }
  const char* const address = buffer.data();
  buffer.commit(2);
  ASSERT_TRUE(buffer.append("yz").ok());
  EXPECT_EQ(buffer.view(), "abcxxyz");
  EXPECT_EQ(buffer.data(), address);
}

TEST(Buffer, MovesWithoutMovingItsBytes) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{1} << 20}) {
    Buffer buffer;
    ASSERT_TRUE(buffer.append(std::string(size, 'b')).ok());
    const char* const address = buffer.data();
    Buffer moved = std::move(buffer);
    EXPECT_EQ(moved.data(), address);
    EXPECT_EQ(moved.view(), std::string(size, 'b'));
    moved = Buffer();
    EXPECT_EQ(moved.size(), 0u);
  }
}

TEST(Buffer, IsConsumedFromTheFront) {
  Buffer buffer;
  ASSERT_TRUE(buffer.append("read, and to be read").ok());
  buffer.consume(6);
  EXPECT_EQ(buffer.view(), "and to be read");
  ASSERT_TRUE(buffer.append("!").ok());
  EXPECT_EQ(buffer.view(), "and to be read!");
  buffer.consume(buffer.size());
  EXPECT_EQ(buffer.view(), "");
}

TEST(Buffer, SaysWhenThereIsNoMemory) {
  Buffer buffer;
  ASSERT_TRUE(buffer.append("kept").ok());
  for (const std::size_t bytes : {std::size_t{1} << 60, SIZE_MAX}) {
    auto reserved = buffer.reserve(bytes);
    ASSERT_FALSE(reserved.ok());
    EXPECT_EQ(reserved.error().code, ErrorCode::kNoSpace);
  }
  EXPECT_EQ(buffer.view(), "kept");
}

}  // namespace
}  // namespace shmconf::consul
