// Writes the backup that the consumers read: make_backup FILE
#include <cstdio>

#include "unit/reader/plain_segment.h"
#include "unit/reader/plain_snapshot.h"

int main(int argc, char** argv) {
  using shmconf::testing::PlainSnapshot;
  if (argc != 2) return 2;
  const PlainSnapshot snapshot(
      {.keys = {{.key = "redis/host", .value = "db.internal"}, {.key = "redis/port", .value = "6379"}}});
  shmconf::testing::write_file(argv[1], snapshot.string());
  return 0;
}
