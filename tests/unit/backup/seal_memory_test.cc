// Memory that is refused, as it is under a limit: replaced here, since under a sanitizer no limit makes
// operator new throw.

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <new>
#include <string>

#include "backup/sealed.h"

namespace {

std::size_t refused_from = std::numeric_limits<std::size_t>::max();

void* allocated(std::size_t bytes) noexcept { return bytes >= refused_from ? nullptr : std::malloc(bytes); }

}  // namespace

// Not inlined: GCC would otherwise see free() of what came from operator new, and warn.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (void* memory = allocated(bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocated(bytes); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace shmconf::backup {
namespace {

TEST(Sealed, WithoutMemoryForTheEncryptedFormThereIsAnError) {
  const std::vector<std::byte> snapshot(1'000'000);
  refused_from = snapshot.size();
  const auto sealed = seal(snapshot, settings::SecretKey());
  refused_from = std::numeric_limits<std::size_t>::max();
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::kNoSpace);
  EXPECT_TRUE(sealed.error().text.starts_with("encrypt the backup: out of memory")) << sealed.error().text;
}

}  // namespace
}  // namespace shmconf::backup
