#include "cli/reader_access.h"

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"

namespace shmconf::cli {

Result<Reader> open_reader(const ReaderOptions& options, Backup backup) {
  OpenOptions open;
  open.directory = options.directory;
  open.backup_file = options.backup_file;
  open.verify = true;
  open.allow_backup = backup == Backup::kAllowed;
  return Reader::open(options.name, open);
}

bool is_missing(const Error& error) {
  return error.code == ErrorCode::kAbsent || error.code == ErrorCode::kNotReady;
}

int fail_to_open(std::string_view command, const Error& error) {
  if (!is_missing(error)) return fail(command, error);
  const char* advice = error.code == ErrorCode::kAbsent
                           ? "; start the sidecar with `shmconf run`, or name a backup with --backup"
                           : "; see what the sidecar logs";
  complain(command, error.text + advice);
  return kExitNoConfiguration;
}

Error damaged_segment() {
  return Error{ErrorCode::kDamaged, "the segment was damaged while it was read: restart the sidecar"};
}

}  // namespace shmconf::cli
