// A snapshot's file read into private memory. A map of it would be SIGBUS once somebody made the file
// shorter, and would change with it. Thread-safe.
#ifndef SHMCONF_READER_SNAPSHOT_COPY_H_
#define SHMCONF_READER_SNAPSHOT_COPY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "reader/place.h"
#include "shmconf/result.h"

namespace shmconf::reader {

// Of an open file of that size, at its beginning; `called` is what errors call it. The bytes are those
// that the header's checksums are of: what changes or shrinks while it is read is kDamaged. Nothing is
// allocated before the header is sound. Errors: kWrongVersion, kDamaged, kNoSpace, kSystem.
Result<MappedSnapshot> copy_snapshot(int fd, std::uint64_t size_bytes, const std::string& called);

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_SNAPSHOT_COPY_H_
