// Reads a backup file into private memory, and checks all of it. A map of the file would be SIGBUS
// once somebody shortened it. Thread-safe.
#ifndef SHMCONF_READER_BACKUP_FILE_H_
#define SHMCONF_READER_BACKUP_FILE_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "reader/place.h"
#include "shmconf/result.h"

namespace shmconf::reader {

// Who may own the file. Root and the effective user always may.
struct AllowedOwner {
  bool anybody = false;
  std::optional<uid_t> also{};
};

// Errors: kAbsent, kWrongVersion, kDamaged, kNoSpace, kSystem; kDenied for a symlink, for what is no
// regular file, for one that group or others may write, for an owner that is not allowed, and for one
// that is encrypted.
Result<MappedSnapshot> read_backup(const std::string& file, const AllowedOwner& owner);

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_BACKUP_FILE_H_
