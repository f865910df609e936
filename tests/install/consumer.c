/* Reads the backup that it is given, through the installed C ABI. */
#include <shmconf/c.h>
#include <stdio.h>

int main(int argc, char** argv) {
  shmconf_reader* reader = NULL;
  shmconf_snapshot* snapshot = NULL;
  shmconf_iterator* iterator = NULL;
  shmconf_entry entry = SHMCONF_ENTRY_INIT;
  const char* host = NULL;
  size_t host_bytes = 0;
  int64_t port = 0;
  int listed = 0;
  if (argc != 2) return 2;
  if (shmconf_open_backup(argv[1], &reader) != SHMCONF_OK) {
    puts(shmconf_last_error());
    return 1;
  }
  if (shmconf_snapshot_take(reader, &snapshot) != SHMCONF_OK) return 1;
  if (shmconf_snapshot_get(snapshot, "redis/host", SHMCONF_NUL_TERMINATED, &host, &host_bytes) != SHMCONF_OK) return 1;
  if (shmconf_get_int64(reader, "redis/port", SHMCONF_NUL_TERMINATED, &port) != SHMCONF_OK) return 1;
  if (shmconf_iterate(snapshot, "redis/", SHMCONF_NUL_TERMINATED, SHMCONF_KEYS, &iterator) != SHMCONF_OK) return 1;
  while (shmconf_next(iterator, &entry) == SHMCONF_OK) ++listed;
  printf("%.*s:%d %d\n", (int)host_bytes, host, (int)port, listed);
  shmconf_iterator_free(iterator);
  shmconf_snapshot_free(snapshot);
  shmconf_close(reader);
  return 0;
}
