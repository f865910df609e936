// Body: content survives every growth, and zero padding always follows it.
#include "consul/body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace shmconf::consul {
namespace {

bool padded(Body& body) {
  return std::all_of(body.data() + body.size(), body.data() + body.size() + Body::kPaddingBytes,
                     [](char c) { return c == 0; });
}

TEST(Body, KeepsContentThroughGrowth) {
  Body body;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(body.append(piece).ok());
    expected += piece;
    ASSERT_TRUE(padded(body)) << i;
  }
  EXPECT_EQ(body.view(), expected);
}

TEST(Body, CountsOnlyWhatWasCommitted) {
  Body body;
  auto space = body.prepare(10'000);
  ASSERT_TRUE(space.ok());
  ASSERT_GE(space->size(), 10'000u);
  std::memset(space->data(), 'x', 10'000);
  body.commit(3);
  EXPECT_EQ(body.view(), "xxx");
  EXPECT_TRUE(padded(body)) << "what was prepared and not committed must not be seen behind the content";
}

TEST(Body, MovesWithoutMovingItsBytes) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{1} << 20}) {
    auto body = Body::copy_of(std::string(size, 'b'));
    ASSERT_TRUE(body.ok());
    const char* const address = body->data();
    Body moved = std::move(*body);
    EXPECT_EQ(moved.data(), address);
    EXPECT_EQ(moved.view(), std::string(size, 'b'));
    moved = Body();
    EXPECT_EQ(moved.size(), 0u);
  }
}

TEST(Body, ForgetsAndShrinksWithoutMovingItsBytes) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{1} << 20, std::size_t{9} << 20}) {
    auto body = Body::copy_of(std::string(size, 'b'));
    ASSERT_TRUE(body.ok());
    const char* const address = body->data();
    body->forget(size / 4, size / 2);
    EXPECT_EQ(body->view().substr(0, size / 4), std::string(size / 4, 'b')) << size;
    EXPECT_EQ(body->view().substr(size / 2), std::string(size - size / 2, 'b')) << size;
    std::fill_n(body->data() + size / 4, size / 4, 'c');
    body->shrink(size / 2);
    EXPECT_EQ(body->data(), address);
    EXPECT_EQ(body->view(), std::string(size / 4, 'b') + std::string(size / 2 - size / 4, 'c')) << size;
    EXPECT_TRUE(padded(*body)) << size;
  }
}

TEST(Body, SaysWhenThereIsNoMemory) {
  Body body;
  ASSERT_TRUE(body.append("kept").ok());
  auto reserved = body.reserve(std::size_t{1} << 60);
  ASSERT_FALSE(reserved.ok());
  EXPECT_EQ(reserved.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(body.view(), "kept");
}

}  // namespace
}  // namespace shmconf::consul
