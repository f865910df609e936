// The key file of an encrypted backup: one key a line, as 64 hexadecimal digits. The first encrypts;
// the others, if there are any, only decrypt what was written before the first one came.
//
// Stateless; thread-safe. Blocks while it reads.
#ifndef SHMCONF_SETTINGS_KEY_FILE_H_
#define SHMCONF_SETTINGS_KEY_FILE_H_

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "shmconf/result.h"

namespace shmconf::settings {

// 256 random bits, which no memory keeps once they are not needed any more.
class SecretKey {
 public:
  static constexpr std::size_t kBytes = 32;

  SecretKey() = default;
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();

  std::array<unsigned char, kBytes> bytes{};
};

// At least one key. As PostgreSQL has it for its key: a file of this user's that nobody else may
// touch, or root's, which a group may read (an orchestrator's secret). A symlink is followed, since
// orchestrators mount secrets as such. Errors: kDenied (it cannot be read, or others may), kInvalid
// (not such lines); the text says what to do and repeats nothing of the file.
Result<std::vector<SecretKey>> read_key_file(const std::string& path);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_KEY_FILE_H_
