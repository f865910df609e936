// The encrypted form of a backup: SealedHeader, the snapshot's bytes under AES-256-GCM, the tag.
//
// Whoever lacks the key learns the size and the time; whoever changes any byte is found out. It does
// not tell an old backup from the newest: who may replace the file can put an earlier one back.
// Pure functions of their arguments, and of the kernel's random numbers; thread-safe.
#ifndef SHMCONF_BACKUP_SEALED_H_
#define SHMCONF_BACKUP_SEALED_H_

#include <cstddef>
#include <span>
#include <vector>

#include "settings/key_file.h"
#include "shmconf/result.h"

namespace shmconf::backup {

// Whether the bytes begin as the encrypted form does.
[[nodiscard]] bool is_sealed(std::span<const std::byte> bytes) noexcept;

// A nonce of 96 random bits each time: with one key, 2^32 backups keep the odds that two share one
// below 2^-32 (NIST SP 800-38D, 8.3), which at one backup a second is 136 years. Takes memory of the
// snapshot's size. Errors: kNoSpace (there is none), kSystem (OpenSSL refuses).
Result<std::vector<std::byte>> seal(std::span<const std::byte> snapshot, const settings::SecretKey& key);

struct Unsealed {
  std::vector<std::byte> snapshot;  // not verified as a snapshot
  bool by_first_key = false;
};

// Decrypts in place, with whichever of the keys (at least one) sealed it. Errors: kDenied (with none of
// them), kDamaged (cut short, or a byte was changed), kWrongVersion, kNoSpace. The text goes behind "backup '...': ".
Result<Unsealed> unseal(std::vector<std::byte> sealed, std::span<const settings::SecretKey> keys);

}  // namespace shmconf::backup

#endif  // SHMCONF_BACKUP_SEALED_H_
