#include "shmconf/parse.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace shmconf {
namespace {

using std::chrono::milliseconds;

template <Readable T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  if (!parse(text, value)) return std::nullopt;
  return value;
}

template <typename T>
class Integers : public ::testing::Test {};
using IntegerTypes = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                                      std::uint32_t, std::int64_t, std::uint64_t, long long, unsigned long long>;
TYPED_TEST_SUITE(Integers, IntegerTypes);

TYPED_TEST(Integers, BothEndsOfTheRangeAndOneBeyond) {
  using Limits = std::numeric_limits<TypeParam>;
  const std::string largest = std::to_string(Limits::max());
  const std::string smallest = std::to_string(Limits::min());
  EXPECT_EQ(parsed<TypeParam>(largest), Limits::max());
  EXPECT_EQ(parsed<TypeParam>(smallest), Limits::min());
  EXPECT_EQ(parsed<TypeParam>("0"), TypeParam{0});
  // No type's largest number ends in 9, and no signed type's smallest does.
  std::string beyond = largest;
  ++beyond.back();
  EXPECT_EQ(parsed<TypeParam>(beyond), std::nullopt) << beyond;
  EXPECT_EQ(parsed<TypeParam>(largest + "0"), std::nullopt);
  if (Limits::is_signed) {
    beyond = smallest;
    ++beyond.back();
    EXPECT_EQ(parsed<TypeParam>(beyond), std::nullopt) << beyond;
  } else {
    EXPECT_EQ(parsed<TypeParam>("-1"), std::nullopt);
  }
}

TEST(Parse, IntegersAreWholeTextsInDecimal) {
  EXPECT_EQ(parsed<int>(" 6379\n"), 6379);
  EXPECT_EQ(parsed<int>("+5"), 5);
  EXPECT_EQ(parsed<int>("-5"), -5);
  EXPECT_EQ(parsed<int>("007"), 7);
  for (const char* bad : {"", " ", "x", "5x", "5 6", "0x10", "1.0", "1e3", "--5", "+-5", "-", "+", "1_000"}) {
    EXPECT_EQ(parsed<int>(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parsed<int>(std::string_view("5\0", 2)), std::nullopt);
}

TEST(Parse, FloatingPointIsFiniteAndInRange) {
  EXPECT_EQ(parsed<double>("2.5"), 2.5);
  EXPECT_EQ(parsed<double>("-1e-3"), -1e-3);
  EXPECT_EQ(parsed<double>("+4"), 4.0);
  EXPECT_EQ(parsed<float>("0.5\n"), 0.5F);
  for (const char* bad : {"", "nan", "inf", "-inf", "1e999", "1,5", "0x1p3", "1.5s"}) {
    EXPECT_EQ(parsed<double>(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parsed<float>("1e39"), std::nullopt);
  EXPECT_EQ(parsed<double>("1e39"), 1e39);
}

TEST(Parse, BoolsInAnyCase) {
  for (const char* text : {"true", "TRUE", "True\n", "yes", "On", "1"}) EXPECT_EQ(parsed<bool>(text), true) << text;
  for (const char* text : {"false", "FALSE", " no", "off", "0"}) EXPECT_EQ(parsed<bool>(text), false) << text;
  for (const char* bad : {"", "2", "t", "truetrue", "10", "nope"}) EXPECT_EQ(parsed<bool>(bad), std::nullopt) << bad;
}

TEST(Parse, DurationsWithUnitsOrPlainMilliseconds) {
  EXPECT_EQ(parsed<milliseconds>("250"), milliseconds(250));
  EXPECT_EQ(parsed<milliseconds>("250ms"), milliseconds(250));
  EXPECT_EQ(parsed<milliseconds>("30s"), milliseconds(30'000));
  EXPECT_EQ(parsed<milliseconds>("15m\n"), milliseconds(900'000));
  EXPECT_EQ(parsed<milliseconds>("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(parsed<milliseconds>("1.5s"), milliseconds(1'500));
  EXPECT_EQ(parsed<milliseconds>("0.25h"), milliseconds(900'000));
  EXPECT_EQ(parsed<milliseconds>("1.0009s"), milliseconds(1'000));
  EXPECT_EQ(parsed<milliseconds>("-2s"), milliseconds(-2'000));
  EXPECT_EQ(parsed<milliseconds>("+2s"), milliseconds(2'000));
  EXPECT_EQ(parsed<milliseconds>("2562047788015h"), milliseconds(2562047788015LL * 3'600'000));
  for (const char* bad : {"", "s", "5x", "1.s", ".5s", "1.5", "5 s", "1h-5m", "--1s", "-", "5us", "5d", "1s2",
                          "2562047788016h", "2562047788015h60m", "99999999999999999999s"}) {
    EXPECT_EQ(parsed<milliseconds>(bad), std::nullopt) << bad;
  }
}

TEST(Parse, StringsAreTakenAsTheyAre) {
  EXPECT_EQ(parsed<std::string>(" a\n"), " a\n");
  EXPECT_EQ(parsed<std::string>(std::string_view("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(parsed<std::string>(""), "");
}

TEST(Parse, WhatDoesNotParseLeavesTheValue) {
  int port = 7;
  EXPECT_FALSE(parse("x", port));
  EXPECT_EQ(port, 7);
  bool flag = true;
  EXPECT_FALSE(parse("x", flag));
  EXPECT_TRUE(flag);
}

}  // namespace
}  // namespace shmconf
