// TokenFile: the ACL token in a file that somebody may rotate.
//
// Not thread-safe. The file is read again when its inode, size or modification time changes, so a
// query costs one stat. Symbolic links are followed: mounted secrets are links.
#ifndef SHMCONF_CONSUL_TOKEN_FILE_H_
#define SHMCONF_CONSUL_TOKEN_FILE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "shmconf/result.h"

namespace shmconf::consul {

class TokenFile {
 public:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  // The token, without white space around it. While the file cannot be used, as in the moment in which
  // it is rewritten, the last one that it held; trouble() then tells. Fails with kDenied or kInvalid,
  // naming the file but never its content, when it never held one. Blocks as long as a small file's
  // read does.
  Result<std::string> current();
  // Why the last call gave an earlier token; empty: it did not.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size_bytes = -1;
    std::int64_t modified_ns = 0;
    bool operator==(const Identity&) const = default;
  };

  // Leaves token_ alone when it fails.
  Result<void> read();

  std::string path_;
  Identity read_as_;
  std::string token_;  // empty: none was read yet
  std::string trouble_;
};

// Absent of characters that would end the header that a token travels in.
[[nodiscard]] bool is_token(const std::string& text);

}  // namespace shmconf::consul

#endif  // SHMCONF_CONSUL_TOKEN_FILE_H_
