// Documents: opens up values that are JSON objects or arrays, so that each leaf is a typed entry of
// its own under "key#/json/pointer" (RFC 6901) and no reader needs a JSON parser.
//
// Thread-safe on different contents.
#ifndef SHMCONF_SOURCES_DOCUMENTS_H_
#define SHMCONF_SOURCES_DOCUMENTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/content.h"
#include "sources/text_arena.h"

namespace shmconf::sources {

inline constexpr int kDeepestDocument = 64;
// What the leaves of one document may hold, keys and values: this many times the document's size ...
inline constexpr std::uint64_t kExpansionFactor = 8;
// ... but a small document is never refused for its key's length.
inline constexpr std::uint64_t kExpansionAlwaysAllowedBytes = 4096;

// Whether the value begins as a document may: a look at one byte, for who has the value at hand anyway.
[[nodiscard]] constexpr bool may_be_document(std::string_view value) noexcept {
  return !value.empty() && std::string_view("{[ \t\n\r").find(value.front()) != std::string_view::npos;
}

// Fills content.pointers and marks the keys that were opened up as kDocument. A value is opened up
// when it is one complete JSON object or array; of a member given twice the last counts; empty
// containers have no leaf; integers that fit no 64-bit type are doubles. A real key wins over a leaf
// of the same spelling. A document that is too deep or expands too far stays plain bytes.
//
// storage holds the leaves' texts and must live as long as content is used. Returns one line for each
// document that was left plain though it looked like one; never a part of a value.
std::vector<std::string> expand_documents(shm::Content& content, TextArena& storage);
// The same, without a look at any other key. candidates: the positions in content.keys, in order, of all whose
// value may_be_document().
std::vector<std::string> expand_documents(shm::Content& content, std::span<const std::size_t> candidates,
                                          TextArena& storage);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_DOCUMENTS_H_
