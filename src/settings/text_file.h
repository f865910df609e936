// A small text file read whole.
//
// Stateless; thread-safe. Symlinks are followed: orchestrators mount settings and tokens as links.
#ifndef SHMCONF_SETTINGS_TEXT_FILE_H_
#define SHMCONF_SETTINGS_TEXT_FILE_H_

#include <cstddef>
#include <string>

#include "shmconf/result.h"

namespace shmconf::settings {

// The file's bytes. kAbsent, kDenied, kInvalid (a directory, or more than limit_bytes) or kSystem;
// the text is the reason alone, without the path. Blocks as long as the file does, if it is a pipe.
Result<std::string> read_text_file(const std::string& path, std::size_t limit_bytes);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_TEXT_FILE_H_
