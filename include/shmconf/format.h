// The bytes that publishers and readers share: control page, snapshot, and the backup file, which
// is a snapshot on disk: its very bytes, or these bytes encrypted.
//
// This header holds only layout and the functions that are part of it (hash, checksum). All fields
// are little-endian and fixed-width; there are no pointers, and keys and values are length-counted
// bytes. A changed meaning of any field bumps kControlVersion or kSnapshotVersion and with it the
// file names; tests/unit/format pins the bytes.
//
//   <root>/.<name>.lock            one byte a lock, see LockByte; never unlinked
//   <root>/.<name>.users           empty; flock: shared by the users of a launched sidecar; never unlinked
//   <root>/<name>/control.v1       ControlPage, 4096 bytes, written in place
//   <root>/<name>/snapshot.v1.G    one per generation, immutable; G is generation_name()
//   <root>/<name>/snapshot.tmp.R.D what role R builds: draft_name(); renamed when it is published
//
//   snapshot:  +---------------------------+ 0
//              | SnapshotHeader            |
//              +---------------------------+ kSnapshotHeaderBytes
//              | u64 Consul index / source |  one for each source, in their order
//              +---------------------------+ slots_offset
//              | Slot[slot_count]          |  open addressing, linear probing
//              +---------------------------+ samples_offset
//              | u32 record position       |  of every kSampleStride-th record: keys, then pointers
//              +---------------------------+ records_offset
//              | Record ... in key order   |  the configuration: key_count records
//              +---------------------------+ pointers_offset
//              | Record ... in key order   |  JSON documents opened up: pointer_count records
//              +---------------------------+ total_bytes
//
//   record:    Record, [Attributes], key bytes, value bytes, zero padding to 8
//
//   encrypted backup:  SealedHeader, the snapshot under AES-256-GCM, the tag of kSealedTagBytes
#ifndef SHMCONF_FORMAT_H_
#define SHMCONF_FORMAT_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace shmconf::format {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<std::uint32_t>) == 4);

inline constexpr std::uint32_t kControlVersion = 1;
inline constexpr std::uint32_t kSnapshotVersion = 1;
inline constexpr std::array<char, 8> kControlMagic = {'S', 'H', 'M', 'C', 'O', 'N', 'F', 'C'};
inline constexpr std::array<char, 8> kSnapshotMagic = {'S', 'H', 'M', 'C', 'O', 'N', 'F', 'S'};

inline constexpr char kControlFile[] = "control.v1";
inline constexpr char kSnapshotPrefix[] = "snapshot.v1.";
inline constexpr char kDraftPrefix[] = "snapshot.tmp.";
inline constexpr std::size_t kMaxNameBytes = 64;

// --- control page -----------------------------------------------------------------------------

// The generation word. High half: the page's creation time in seconds, never one used before. Low
// half: a counter that starts at 0, which means that nothing has been published. The futex that
// readers wait on is the low half.
inline constexpr std::uint64_t kRetired = ~std::uint64_t{0};
constexpr bool has_snapshot(std::uint64_t generation) {
  return generation != kRetired && static_cast<std::uint32_t>(generation) != 0;
}

// Text that its one writer may replace while others read it. A reader that meets a change, or a
// writer killed half-way, sees an odd or moved sequence and answers "unknown".
template <std::size_t kBytes>
struct SharedText {
  static_assert(kBytes % 8 == 0);
  static constexpr std::size_t kCapacityBytes = kBytes;

  std::atomic<std::uint32_t> sequence;
  std::atomic<std::uint32_t> length_bytes;
  std::array<std::atomic<std::uint64_t>, kBytes / 8> words;

  // One writer at a time. Cut to kCapacityBytes.
  void store(std::string_view text) noexcept {
    text = text.substr(0, kBytes);
    const std::uint32_t odd = sequence.load(std::memory_order_relaxed) | 1u;
    sequence.store(odd, std::memory_order_relaxed);
    // The release stores order `odd` before the text; load() pairs with each of them.
    length_bytes.store(static_cast<std::uint32_t>(text.size()), std::memory_order_release);
    for (std::size_t i = 0; i * 8 < text.size(); ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i * 8, text.size() - i * 8 < 8 ? text.size() - i * 8 : 8);
      words[i].store(word, std::memory_order_release);
    }
    sequence.store(odd + 1, std::memory_order_release);
  }

  // False: no whole text was there in a few tries.
  [[nodiscard]] bool load(std::string& text) const {
    for (int attempt = 0; attempt < 8; ++attempt) {
      const std::uint32_t before = sequence.load(std::memory_order_acquire);  // pairs with store()'s last
      if (before % 2 != 0) continue;
      std::size_t length = length_bytes.load(std::memory_order_acquire);
      if (length > kBytes) return false;
      text.resize(length);
      for (std::size_t i = 0; i * 8 < length; ++i) {
        const std::uint64_t word = words[i].load(std::memory_order_acquire);
        std::memcpy(text.data() + i * 8, &word, length - i * 8 < 8 ? length - i * 8 : 8);
      }
      if (sequence.load(std::memory_order_relaxed) == before) return true;
    }
    return false;
  }
};

enum class Role : std::uint8_t { kWatch = 0, kHeartbeat = 1, kSupervisor = 2 };
inline constexpr std::size_t kRoleCount = 3;

// What one process says of itself; written by that role alone. Times are CLOCK_BOOTTIME
// nanoseconds, which processes of one boot share; 0 means never.
struct alignas(64) RoleState {
  std::atomic<std::uint64_t> alive_ns;         // stamped every kStampInterval; 0 after a clean end
  std::atomic<std::uint64_t> contact_ns;       // last good answer from Consul
  std::atomic<std::uint64_t> stale_after_ns;   // a contact older than this is overdue
  std::atomic<std::uint64_t> failing_since_ns; // first of the present run of failures; 0: none
  std::atomic<std::uint64_t> failures;         // since the page was made
  std::atomic<std::uint64_t> queries;          // answered, since the page was made
  std::atomic<std::uint64_t> publishes;        // new generations by this role
  std::atomic<std::uint64_t> starts;           // processes that took this role
  SharedText<248> last_error;                  // kept after recovery; failing_since_ns tells
};
static_assert(sizeof(RoleState) == 320);

inline constexpr std::uint64_t kStampIntervalNs = 5'000'000'000;
inline constexpr std::uint64_t kDeadAfterNs = 3 * kStampIntervalNs;  // readers call a role dead
inline constexpr std::size_t kControlPageBytes = 4096;

// Durations by length; one writer. Its numbers are each whole, and together as of about one moment.
inline constexpr std::array<std::uint64_t, 15> kDurationBoundsNs = {
    100'000,     250'000,     500'000,     1'000'000,   2'500'000,     5'000'000,     10'000'000,    25'000'000,
    50'000'000,  100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 5'000'000'000, 30'000'000'000};
struct Durations {
  std::array<std::atomic<std::uint64_t>, kDurationBoundsNs.size() + 1> counts;  // up to each bound; the last: longer
  std::atomic<std::uint64_t> sum_ns;

  void add(std::uint64_t duration_ns) noexcept {
    std::size_t bucket = 0;
    while (bucket < kDurationBoundsNs.size() && duration_ns > kDurationBoundsNs[bucket]) ++bucket;
    // No read-modify-write is needed with one writer.
    counts[bucket].store(counts[bucket].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_ns.store(sum_ns.load(std::memory_order_relaxed) + duration_ns, std::memory_order_relaxed);
  }
};
static_assert(sizeof(Durations) == 136);

// What became of one comparison with Consul.
enum class Comparison : std::uint8_t {
  kPublished = 0,  // a new generation
  kUnchanged = 1,  // the segment held this already
  kOvertaken = 2,  // the other process was faster
  kEmpty = 3,      // nothing there, which is not published
  kFailed = 4,     // no good answer, or no room
};
inline constexpr std::size_t kComparisonCount = 5;
inline constexpr std::size_t kErrorKinds = 16;  // by ErrorCode, whose values fit

// What one process counts, since the page was made; written by that role alone.
struct alignas(64) RoleCounters {
  std::array<std::atomic<std::uint64_t>, 8> comparisons;  // by Comparison
  std::array<std::atomic<std::uint64_t>, kErrorKinds> errors;
  Durations propagation;  // of each new generation: from the header of the first answer read for it to its being published
  Durations publish;      // of each new generation: building it, and making it the current one
  std::atomic<std::uint64_t> backup_failures;  // backups that could not be written
  std::atomic<std::uint64_t> server_starts;    // by the supervisor: of serve, which writes nothing here itself
  std::array<std::byte, 32> reserved;
};
static_assert(sizeof(RoleCounters) == 512);

struct ControlPage {
  std::array<char, 8> magic;
  std::atomic<std::uint32_t> version;  // stored last, with release, by the creator
  std::uint32_t page_bytes;
  std::array<char, 36> boot_id;  // of the kernel that the page was made under
  std::uint32_t snapshot_version;
  std::uint64_t created_wall_s;

  alignas(64) std::atomic<std::uint64_t> generation;  // the word that every read looks at
  alignas(64) std::atomic<std::uint64_t> sync_count;  // moves at every successful comparison
  std::atomic<std::uint64_t> settled_rounds_exceeded; // publishes whose sources never stood still
  // A reader may map the file of a generation before there is one. It shows that file to nobody
  // until the generation word has moved, and the file is the one that snapshot_id names, and its
  // header says this generation: a publisher that was killed may have left another such file.
  std::atomic<std::uint64_t> snapshot_id;  // the current snapshot's draft_id; stored before the word
  std::atomic<std::uint64_t> draft_id;     // of the file that watch has ready for the next one; 0: none
  // Of the current snapshot, as in its header; stored before the word.
  std::atomic<std::uint64_t> sources_hash;

  std::array<RoleState, kRoleCount> roles;
  SharedText<1016> backup_path;  // where the heartbeat keeps the backup; empty: nowhere
  std::array<RoleCounters, kRoleCount> counters;
  std::array<std::byte, 384> reserved;
};
static_assert(sizeof(ControlPage) == kControlPageBytes);
static_assert(offsetof(ControlPage, version) == 8 && offsetof(ControlPage, generation) == 64);
static_assert(offsetof(ControlPage, sync_count) == 128 && offsetof(ControlPage, roles) == 192);
static_assert(offsetof(ControlPage, backup_path) == 1152 && offsetof(ControlPage, counters) == 2176);

// Bytes of the lock file, each locked by an open-file-description lock.
enum class LockByte : std::uint64_t { kPublish = 0, kWatch = 1, kHeartbeat = 2, kSupervisor = 3 };

// --- snapshot ---------------------------------------------------------------------------------

enum class Origin : std::uint32_t { kConsul = 1, kBackup = 2, kDev = 3 };

inline constexpr std::size_t kSnapshotHeaderBytes = 256;

struct SnapshotHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t total_bytes;
  std::uint64_t generation;
  std::uint64_t published_wall_ns;  // when this generation was published
  std::uint64_t read_wall_ns;       // when its content was read from Consul; kept through a backup
  Origin origin;
  std::uint32_t source_count;
  std::uint64_t sources_hash;  // of the sources and the datacenter, in order
  std::uint64_t key_count;
  std::uint64_t pointer_count;
  std::uint64_t hash_seed;
  std::uint64_t indexes_offset;
  std::uint64_t slots_offset;
  std::uint64_t slot_count;
  std::uint64_t samples_offset;
  std::uint64_t key_samples;
  std::uint64_t pointer_samples;
  std::uint64_t records_offset;
  std::uint64_t pointers_offset;
  std::uint64_t content_hash;     // of the key records and sources_hash: equal content, equal hash
  std::uint64_t body_checksum;    // of everything behind the header
  std::uint64_t key_value_bytes;  // sum of the keys' and values' sizes
  std::uint64_t draft_id;         // random, unlike that of any other file; 0 in a backup that was packed
  std::array<std::uint64_t, 8> reserved;
  std::uint64_t header_checksum;  // of the header up to here; so a new generation costs 256 bytes
};
static_assert(sizeof(SnapshotHeader) == kSnapshotHeaderBytes);
static_assert(offsetof(SnapshotHeader, header_checksum) == kSnapshotHeaderBytes - 8);
static_assert(offsetof(SnapshotHeader, sources_hash) == 56);

// Positions are in units of 8 bytes from the snapshot's start, so 32 bits reach 32 GiB.
inline constexpr std::uint64_t kPositionUnit = 8;
inline constexpr std::uint64_t kMaxSnapshotBytes = kPositionUnit << 32;

struct Slot {
  std::uint32_t tag;       // low half of the key's hash
  std::uint32_t position;  // of the record; 0: empty
};
static_assert(sizeof(Slot) == 8);

namespace detail {

inline constexpr Slot kEmptySlot = {.tag = 0, .position = 0};  // stands for a table of none

}  // namespace detail

inline constexpr std::uint32_t kSampleStride = 16;

// What a record's value is. Leaves of a JSON document are typed; a value as Consul returned it is
// kBytes, or kDocument when it is a JSON object or array that has been opened up.
enum class Kind : std::uint8_t {
  kBytes = 0,
  kDocument = 1,
  kString = 2,   // unescaped text
  kInteger = 3,  // decimal, fits int64 or uint64
  kDouble = 4,   // as written in the document
  kBool = 5,     // true or false
  kNull = 6,     // null
};
inline constexpr std::uint8_t kLastKind = 6;

inline constexpr std::uint64_t kMaxKeyBytes = (1u << 24) - 1;
inline constexpr std::uint64_t kMaxValueBytes = 1u << 30;

struct Record {
  std::uint32_t key_word;  // low 24 bits: the key's size; high 8: Kind, with kHasAttributes
  std::uint32_t value_bytes;
  std::uint64_t modify_index;
  std::uint64_t create_index;

  static constexpr std::uint8_t kHasAttributes = 0x80;
  static constexpr std::uint32_t pack_key_word(std::size_t key_bytes, Kind kind, bool attributes) {
    return static_cast<std::uint32_t>(key_bytes) |
           (static_cast<std::uint32_t>(kind) | (attributes ? kHasAttributes : 0u)) << 24;
  }
  [[nodiscard]] constexpr std::uint32_t key_bytes() const { return key_word & kMaxKeyBytes; }
  [[nodiscard]] constexpr bool has_attributes() const { return (key_word >> 31) != 0; }
  [[nodiscard]] constexpr Kind kind() const { return static_cast<Kind>((key_word >> 24) & 0x7f); }
};
static_assert(sizeof(Record) == 24);

// Rare fields; present only when one of them is not zero.
struct Attributes {
  std::uint64_t flags;
  std::uint64_t lock_index;
  std::array<char, 36> session;  // zero bytes: not locked
  std::uint32_t reserved;
};
static_assert(sizeof(Attributes) == 56);

constexpr std::uint64_t align8(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }

namespace detail {

inline void append_hex(std::string& text, std::uint64_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(number >> shift) & 15];
}

}  // namespace detail

// The snapshot file of a generation.
inline std::string generation_name(std::uint64_t generation) {
  std::string name = kSnapshotPrefix;
  detail::append_hex(name, generation);
  return name;
}

// What the names of a role's drafts begin with.
inline std::string draft_prefix(Role role) {
  constexpr const char* kRoles[kRoleCount] = {"watch.", "heartbeat.", "supervisor."};
  return std::string(kDraftPrefix) + kRoles[static_cast<std::size_t>(role)];
}

// The file in which a role builds a snapshot.
inline std::string draft_name(Role role, std::uint64_t draft_id) {
  std::string name = draft_prefix(role);
  detail::append_hex(name, draft_id);
  return name;
}

// --- encrypted backup ---------------------------------------------------------------------------

// For the sidecar alone: readers know it by its magic, and say "denied". The whole header is
// authenticated with the snapshot. The key is HMAC-SHA256(operator's key, "shmconf backup v1
// encryption"), the key id the beginning of the same of "shmconf backup v1 key id".
inline constexpr std::uint32_t kSealedVersion = 1;
inline constexpr std::array<char, 8> kSealedMagic = {'S', 'H', 'M', 'C', 'O', 'N', 'F', 'E'};
inline constexpr std::uint32_t kSealedAes256Gcm = 1;
inline constexpr std::size_t kSealedTagBytes = 16;

struct SealedHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t algorithm;
  std::uint64_t total_bytes;          // of the file
  std::array<std::byte, 16> key_id;   // tells a wrong key from damage
  std::array<std::byte, 12> nonce;    // random, new for each file
  std::uint32_t reserved;
  std::uint64_t header_checksum;      // of the header up to here; no secret, so it proves nothing
};
static_assert(sizeof(SealedHeader) == 64 && offsetof(SealedHeader, header_checksum) == 56);

// --- hash and checksum ------------------------------------------------------------------------

namespace detail {

inline constexpr std::uint64_t kOdd1 = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
inline constexpr std::uint64_t kOdd2 = 0xd1b54a32d192ed03;  // 2^64 / plastic number, made odd
inline constexpr std::uint64_t kOdd3 = 0x8cb92ba72f3d8dd7;
inline constexpr std::uint64_t kOdd4 = 0xaef17502108ef2d9;

inline std::uint64_t load8(const char* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, 8);
  return word;
}
inline std::uint64_t load4(const char* bytes) noexcept {
  std::uint32_t word;
  std::memcpy(&word, bytes, 4);
  return word;
}

// Both halves of the 128-bit product, folded.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Whether 16 bytes are equal, in the form that several such answers are joined in by `&`.
#ifdef __SSE2__
using Alike = __m128i;  // of each byte
inline Alike alike16(const char* a, const char* b) noexcept {
  return _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)),
                        _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
}
inline bool all(Alike alike) noexcept { return _mm_movemask_epi8(alike) == 0xffff; }
#else
using Alike = bool;
inline Alike alike16(const char* a, const char* b) noexcept {
  return ((load8(a) ^ load8(b)) | (load8(a + 8) ^ load8(b + 8))) == 0;
}
inline bool all(Alike alike) noexcept { return alike; }
#endif

}  // namespace detail

// Whether two keys are equal: of the usual lengths in a handful of instructions, without a call or a loop,
// by words from both ends, which overlap in the middle.
inline bool same_bytes(std::string_view a, std::string_view b) noexcept {
  using namespace detail;
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 4 || size > 64) return std::memcmp(a.data(), b.data(), size) == 0;
  if (size >= 16) {
    const auto alike = [&](std::size_t at) { return alike16(a.data() + at, b.data() + at); };
    if (size <= 32) return all(alike(0) & alike(size - 16));
    return all(alike(0) & alike(16) & alike(size - 32) & alike(size - 16));
  }
  if (size >= 8) {
    const auto unlike = [&](std::size_t at) { return load8(a.data() + at) ^ load8(b.data() + at); };
    return (unlike(0) | unlike(size - 8)) == 0;
  }
  const auto unlike = [&](std::size_t at) { return load4(a.data() + at) ^ load4(b.data() + at); };
  return (unlike(0) | unlike(size - 4)) == 0;
}

// A snapshot's hash_seed, with what every hash makes of it.
struct HashSeed {
  constexpr HashSeed(std::uint64_t seed = 0) noexcept  // NOLINT(google-explicit-constructor)
      : plain(seed), inner(std::rotl(seed, 32) ^ detail::kOdd1), last(std::rotl(seed, 32) ^ detail::kOdd2) {}

  std::uint64_t plain;
  std::uint64_t inner;  // for the products of a long key's words
  std::uint64_t last;   // for the product of the last of them
};

// The hash of a key. Seeded, so that nobody who can write keys can aim at one chain.
inline std::uint64_t hash_key(std::string_view key, const HashSeed& seed) noexcept {
  using namespace detail;
  const char* const bytes = key.data();
  const std::size_t size = key.size();
  // Both factors of each product hold the seed, so no key can be made to turn one into zero, which
  // would lose the other.
  std::uint64_t state = seed.plain ^ (size * kOdd1);
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (size > 16) {
    const auto step = [&](std::size_t at) {
      state = fold(load8(bytes + at) ^ seed.inner, load8(bytes + at + 8) ^ state);
    };
    // The first is apart from the loop, which a caller that knows of short keys does not have.
    step(0);
    for (std::size_t at = 16; at + 16 < size; at += 16) step(at);
    first = load8(bytes + size - 16);
    last = load8(bytes + size - 8);
  } else if (size >= 8) {
    first = load8(bytes);
    last = load8(bytes + size - 8);
  } else if (size >= 4) {
    first = load4(bytes);
    last = load4(bytes + size - 4);
  } else if (size > 0) {
    first = static_cast<unsigned char>(bytes[0]);
    last = static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[size / 2])) << 8 |
           static_cast<unsigned char>(bytes[size - 1]);
  }
  return fold(fold(first ^ seed.last, last ^ state) ^ kOdd3, kOdd4);
}

// The slot where a key's probing begins. Requires slot_count in 1..2^32-1.
constexpr std::uint64_t home_slot(std::uint64_t hash, std::uint64_t slot_count) noexcept {
  return ((hash >> 32) * slot_count) >> 32;
}

// The checksum of bytes, in four independent lanes for speed.
inline std::uint64_t checksum(const void* data, std::size_t size, std::uint64_t seed = 0) noexcept {
  using namespace detail;
  const char* bytes = static_cast<const char*>(data);
  std::uint64_t lane[4] = {seed ^ kOdd1, seed ^ kOdd2, seed ^ kOdd3, seed ^ kOdd4};
  std::size_t left = size;
  for (; left >= 64; left -= 64, bytes += 64) {
    for (int i = 0; i < 4; ++i) lane[i] = fold(load8(bytes + i * 16) ^ kOdd2, load8(bytes + i * 16 + 8) ^ lane[i]);
  }
  char rest[64] = {};
  if (left != 0) std::memcpy(rest, bytes, left);
  for (int i = 0; i < 4; ++i) lane[i] = fold(load8(rest + i * 16) ^ kOdd2, load8(rest + i * 16 + 8) ^ lane[i]);
  return fold(fold(lane[0], lane[1] ^ kOdd3) ^ size, fold(lane[2], lane[3] ^ kOdd4) ^ kOdd1);
}

inline std::uint64_t header_checksum(const SnapshotHeader& header) noexcept {
  return checksum(&header, offsetof(SnapshotHeader, header_checksum), header.body_checksum);
}

inline std::uint64_t sealed_header_checksum(const SealedHeader& header) noexcept {
  return checksum(&header, offsetof(SealedHeader, header_checksum));
}

}  // namespace shmconf::format

#endif  // SHMCONF_FORMAT_H_
