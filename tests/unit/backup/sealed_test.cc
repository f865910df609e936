// The encrypted form of a backup: what opens it, and that nothing else does.

#include "backup/sealed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "shmconf/format.h"

namespace shmconf::backup {
namespace {

using settings::SecretKey;
using Bytes = std::vector<std::byte>;

SecretKey key(unsigned char first) {
  SecretKey made;
  for (std::size_t i = 0; i < made.bytes.size(); ++i) made.bytes[i] = static_cast<unsigned char>(first + i);
  return made;
}

Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

constexpr std::string_view kText = "the very bytes of a snapshot";

// Pins the format. Made by another implementation, in another language, with the key 00 01 ... 1f.
TEST(Sealed, OpensWhatAnotherImplementationSealed) {
  const Bytes sealed = from_hex(
      "53484d434f4e464501000000010000006c00000000000000484eb219f26d5f32671a1363bfedf6156465666768696a6b6c6d"
      "6e6f000000001cff4327f3d05a4d839e386b2e1048495aff747affdb0ad05d2a9572b43aba3b6b89bde04cf14b0219b766e4"
      "d22c486e5080bdf2");
  const auto unsealed = unseal(sealed, std::vector{key(0)});
  ASSERT_TRUE(unsealed) << unsealed.error().text;
  EXPECT_EQ(unsealed->snapshot, bytes_of(kText));
}

TEST(Sealed, WhatWasSealedIsOpenedByItsKeyAmongOthers) {
  const auto sealed = seal(bytes_of(kText), key(1));
  ASSERT_TRUE(sealed) << sealed.error().text;
  ASSERT_TRUE(is_sealed(*sealed));
  const auto first = unseal(*sealed, std::vector{key(1), key(2)});
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ(first->snapshot, bytes_of(kText));
  EXPECT_TRUE(first->by_first_key);
  const auto second = unseal(*sealed, std::vector{key(2), key(1)});
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_EQ(second->snapshot, bytes_of(kText));
  EXPECT_FALSE(second->by_first_key);
  const auto nothing = seal({}, key(1));
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(unseal(*nothing, std::vector{key(1)}).value().snapshot.empty());
}

TEST(Sealed, ItShowsNothingOfItAndNoNonceComesTwice) {
  const Bytes text = bytes_of(kText);
  const Bytes one = seal(text, key(1)).value();
  const Bytes two = seal(text, key(1)).value();
  for (std::size_t i = 0; i + 4 <= text.size(); ++i) {
    const auto at = text.begin() + static_cast<std::ptrdiff_t>(i);
    EXPECT_EQ(std::search(one.begin(), one.end(), at, at + 4), one.end()) << i;
  }
  format::SealedHeader first;
  format::SealedHeader second;
  std::memcpy(&first, one.data(), sizeof first);
  std::memcpy(&second, two.data(), sizeof second);
  EXPECT_EQ(first.key_id, second.key_id);
  EXPECT_NE(first.nonce, second.nonce);
  EXPECT_FALSE(std::equal(one.begin() + sizeof first, one.end(), two.begin() + sizeof first));
}

TEST(Sealed, AnotherKeyIsToldFromDamage) {
  const auto refused = unseal(seal(bytes_of(kText), key(1)).value(), std::vector{key(2), key(3)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_NE(refused.error().text.find("another key"), std::string::npos) << refused.error().text;
}

TEST(Sealed, AnyBitThatWasFlippedIsFoundOut) {
  const Bytes whole = seal(bytes_of(kText), key(1)).value();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    const auto refused = unseal(flipped, std::vector{key(1)});
    ASSERT_FALSE(refused) << "bit " << bit;
    const bool in_version = bit / 8 >= 8 && bit / 8 < 12;
    // Of the magic the caller knows already that it is this one.
    if (bit / 8 < 8) {
      EXPECT_FALSE(is_sealed(flipped));
    } else {
      EXPECT_EQ(refused.error().code, in_version ? ErrorCode::kWrongVersion : ErrorCode::kDamaged) << "bit " << bit;
    }
  }
}

// With a checksum that fits again, as somebody would leave it who knows what he does.
TEST(Sealed, AHeaderThatWasForgedIsFoundOut) {
  const Bytes whole = seal(bytes_of(kText), key(1)).value();
  for (std::size_t at = 8; at < offsetof(format::SealedHeader, header_checksum); ++at) {
    Bytes forged = whole;
    forged[at] ^= std::byte{1};
    format::SealedHeader header;
    std::memcpy(&header, forged.data(), sizeof header);
    header.header_checksum = format::sealed_header_checksum(header);
    std::memcpy(forged.data(), &header, sizeof header);
    EXPECT_FALSE(unseal(forged, std::vector{key(1)})) << "byte " << at;
  }
}

TEST(Sealed, CutShortOrLengthenedAnywhereIsDamaged) {
  const Bytes whole = seal(bytes_of(kText), key(1)).value();
  for (std::size_t size = 8; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto refused = unseal(cut, std::vector{key(1)});
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().code, ErrorCode::kDamaged) << size;
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_EQ(unseal(longer, std::vector{key(1)}).error().code, ErrorCode::kDamaged);
  EXPECT_FALSE(is_sealed(std::span(whole).first(7)));
}

}  // namespace
}  // namespace shmconf::backup
