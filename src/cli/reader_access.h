// How the readers' tools come to a Reader, and what they say when there is none.
//
// Not thread-safe: the environment is read.
#ifndef SHMCONF_CLI_READER_ACCESS_H_
#define SHMCONF_CLI_READER_ACCESS_H_

#include <string_view>

#include "cli/command_line.h"
#include "shmconf/reader.h"
#include "shmconf/result.h"

namespace shmconf::cli {

enum class Backup : bool { kRefused = false, kAllowed = true };

// The configuration that the flags name, with every byte of it verified. Errors as Reader::open().
Result<Reader> open_reader(const ReaderOptions& options, Backup backup = Backup::kAllowed);

// Whether the error says that there is no configuration yet, and may be one later.
bool is_missing(const Error& error);

// Complains why no configuration can be read, with what to do, and returns the exit code: 3 when
// there is none, 4 damaged or of another version, 5 not permitted.
int fail_to_open(std::string_view command, const Error& error);

// For bytes that turn out to be unsound after open_reader() found them whole.
Error damaged_segment();

}  // namespace shmconf::cli

#endif  // SHMCONF_CLI_READER_ACCESS_H_
