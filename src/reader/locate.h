// locate: which directory and which backup file a name means. Looks at arguments and environment
// only, not at the disk. Thread-safe as far as getenv is.
#ifndef SHMCONF_READER_LOCATE_H_
#define SHMCONF_READER_LOCATE_H_

#include <string>
#include <string_view>

#include "shmconf/reader.h"
#include "shmconf/result.h"

namespace shmconf::reader {

struct Location {
  std::string root;              // absolute
  std::string name;              // below it
  bool root_is_default = false;  // nobody chose it, so it must belong to the effective user
};

// [A-Za-z0-9][A-Za-z0-9._-]{0,63}
bool is_name(std::string_view name);

// Of a name; "" means $SHMCONF_NAME. Errors: kInvalid, kSystem.
Result<Location> locate(std::string_view name, const OpenOptions& options);

// Of a path to <root>/<name>. Errors: kInvalid, kSystem.
Result<Location> locate_directory(const std::string& path);

struct BackupLocation {
  std::string file;         // empty: there is no place for one
  bool is_default = false;  // nobody chose it, so it must belong to the effective user or root
};

// The one that the caller named; else the segment; else the environment; else the default place.
BackupLocation locate_backup(const std::string& name, const std::string& chosen,
                             const std::string& named_by_segment);

// Error kInvalid: the path holds a NUL.
Result<void> check_path(const std::string& path);

// The path, from the current directory if it is relative. Errors: kInvalid, kSystem.
Result<std::string> absolute_path(const std::string& path);

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_LOCATE_H_
