#include "backup/sealed.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "env/env.h"
#include "shmconf/format.h"

namespace shmconf::backup {
namespace {

using format::SealedHeader;
using settings::SecretKey;

constexpr std::size_t kTagBytes = format::kSealedTagBytes;
using KeyId = decltype(SealedHeader::key_id);
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&::EVP_CIPHER_CTX_free)>;

// OpenSSL counts in int.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

Error failed(const char* what) {
  return Error{ErrorCode::kSystem, std::string("OpenSSL cannot ") + what + ": is its provider complete?"};
}
Error damaged(const std::string& what) { return Error{ErrorCode::kDamaged, what}; }

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

// One key for one purpose: the operator's neither encrypts nor shows in the file.
bool derive(const SecretKey& key, std::string_view purpose, SecretKey& derived) {
  unsigned int size = 0;
  const unsigned char* done =
      ::HMAC(::EVP_sha256(), key.bytes.data(), static_cast<int>(key.bytes.size()),
             reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(), derived.bytes.data(), &size);
  return done != nullptr && size == derived.bytes.size();
}

bool id_of(const SecretKey& key, KeyId& id) {
  SecretKey derived;
  if (!derive(key, "shmconf backup v1 key id", derived)) return false;
  std::memcpy(id.data(), derived.bytes.data(), id.size());
  return true;
}

std::string hex(const KeyId& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto value = std::to_integer<unsigned>(id[i]);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

// The whole header is authenticated, before anything else.
bool begin(EVP_CIPHER_CTX* cipher, bool encrypt, const SecretKey& key, const SealedHeader& header) {
  SecretKey derived;
  int size = 0;
  return derive(key, "shmconf backup v1 encryption", derived) &&
         ::EVP_CipherInit_ex(cipher, ::EVP_aes_256_gcm(), nullptr, derived.bytes.data(), raw(header.nonce.data()),
                             encrypt ? 1 : 0) == 1 &&
         ::EVP_CipherUpdate(cipher, nullptr, &size, reinterpret_cast<const unsigned char*>(&header),
                            sizeof header) == 1;
}

bool run(EVP_CIPHER_CTX* cipher, const std::byte* from, std::byte* to, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes;) {
    const std::size_t piece = std::min(bytes - at, kPieceBytes);
    int size = 0;
    if (::EVP_CipherUpdate(cipher, raw(to + at), &size, raw(from + at), static_cast<int>(piece)) != 1) return false;
    at += piece;
  }
  return true;
}

bool finish(EVP_CIPHER_CTX* cipher) {
  unsigned char nothing[16];
  int size = 0;
  return ::EVP_CipherFinal_ex(cipher, nothing, &size) == 1;
}

// A sound header. What only a newer release writes is told from damage.
Result<SealedHeader> read_header(std::span<const std::byte> sealed) {
  SealedHeader header;
  if (sealed.size() < sizeof header + kTagBytes) return damaged("it is cut short");
  std::memcpy(&header, sealed.data(), sizeof header);
  if (header.version != format::kSealedVersion) {
    return Error{ErrorCode::kWrongVersion,
                 "its encryption has version " + std::to_string(header.version) + ", this program knows version " +
                     std::to_string(format::kSealedVersion)};
  }
  if (header.header_checksum != format::sealed_header_checksum(header)) return damaged("its header is not sound");
  if (header.total_bytes != sealed.size()) {
    return damaged("it holds " + std::to_string(sealed.size()) + " bytes instead of " +
                   std::to_string(header.total_bytes));
  }
  if (header.algorithm != format::kSealedAes256Gcm) {
    return Error{ErrorCode::kWrongVersion, "it is encrypted in a way that this program does not know"};
  }
  return header;
}

}  // namespace

bool is_sealed(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= format::kSealedMagic.size() &&
         std::memcmp(bytes.data(), format::kSealedMagic.data(), format::kSealedMagic.size()) == 0;
}

Result<std::vector<std::byte>> seal(std::span<const std::byte> snapshot, const SecretKey& key) try {
  SealedHeader header{};
  header.magic = format::kSealedMagic;
  header.version = format::kSealedVersion;
  header.algorithm = format::kSealedAes256Gcm;
  header.total_bytes = sizeof header + snapshot.size() + kTagBytes;
  if (!id_of(key, header.key_id)) return failed("compute HMAC-SHA256");
  if (::RAND_bytes(raw(header.nonce.data()), static_cast<int>(header.nonce.size())) != 1) {
    return failed("make random numbers");
  }
  header.header_checksum = format::sealed_header_checksum(header);

  std::vector<std::byte> sealed(header.total_bytes);
  std::memcpy(sealed.data(), &header, sizeof header);
  std::byte* const body = sealed.data() + sizeof header;
  const Cipher cipher(::EVP_CIPHER_CTX_new(), &::EVP_CIPHER_CTX_free);
  const bool done = cipher && begin(cipher.get(), true, key, header) &&
                    run(cipher.get(), snapshot.data(), body, snapshot.size()) && finish(cipher.get()) &&
                    ::EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagBytes),
                                          body + snapshot.size()) == 1;
  if (!done) return failed("encrypt with AES-256-GCM");
  return sealed;
} catch (const std::bad_alloc&) {
  return env::out_of_memory("encrypt the backup");
}

Result<Unsealed> unseal(std::vector<std::byte> sealed, std::span<const SecretKey> keys) try {
  const auto header = read_header(sealed);
  if (!header) return header.error();
  std::string known;
  for (const SecretKey& key : keys) {
    KeyId id;
    if (!id_of(key, id)) return failed("compute HMAC-SHA256");
    if (id != header->key_id) {
      known += (known.empty() ? "" : ", ") + hex(id);
      continue;
    }
    std::byte* const body = sealed.data() + sizeof *header;
    const std::size_t size = sealed.size() - sizeof *header - kTagBytes;
    const Cipher cipher(::EVP_CIPHER_CTX_new(), &::EVP_CIPHER_CTX_free);
    if (!cipher || !begin(cipher.get(), false, key, *header)) return failed("decrypt with AES-256-GCM");
    const bool genuine = run(cipher.get(), body, body, size) &&
                         ::EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagBytes),
                                               body + size) == 1 &&
                         finish(cipher.get());
    if (!genuine) {
      // Nobody may look at what an unproven file decrypts to.
      ::OPENSSL_cleanse(body, size);
      return damaged("it was changed since it was written: its authentication tag does not fit");
    }
    // To the front, where the storage is aligned as a snapshot wants it.
    std::memmove(sealed.data(), body, size);
    sealed.resize(size);
    return Unsealed{.snapshot = std::move(sealed), .by_first_key = &key == keys.data()};
  }
  return Error{ErrorCode::kDenied,
               "it is encrypted with another key (" + hex(header->key_id) + ") than is at hand (" + known + ")"};
} catch (const std::bad_alloc&) {
  return env::out_of_memory("decrypt the backup");
}

}  // namespace shmconf::backup
