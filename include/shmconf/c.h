/* The C ABI of the reader, for C99 and for the bindings of other languages. reader.h tells how
 * views, threads and generations behave; what differs is said here.
 *
 * Functions that can fail return a shmconf_code; SHMCONF_OK is 0. shmconf_last_error() then has the
 * text. A key, prefix or path is bytes with a length; SHMCONF_NUL_TERMINATED as its length lets the
 * library count. No function throws, and none but shmconf_wait and shmconf_launch blocks. Handles must
 * not be NULL, except to the functions that free them.
 *
 * Threads: a shmconf_reader belongs to one thread at a time (shmconf_copy makes one for another
 * thread); a shmconf_snapshot may be used by many at once; a shmconf_iterator by one at a time.
 *
 * Structs begin with their size. Set `size` to sizeof the struct (the SHMCONF_*_INIT macros do):
 * a newer library then fills only what the caller knows of. */
#ifndef SHMCONF_C_H_
#define SHMCONF_C_H_

#include <stddef.h>
#include <stdint.h>

#include "shmconf/export.h"

#ifdef __cplusplus
#define SHMCONF_NOEXCEPT noexcept
extern "C" {
#else
#define SHMCONF_NOEXCEPT
#endif

#define SHMCONF_NUL_TERMINATED ((size_t)-1)

/* As ErrorCode in result.h. */
typedef enum shmconf_code {
  SHMCONF_OK = 0,
  SHMCONF_ABSENT = 1,        /* segment, backup, file or key; the end of an iteration */
  SHMCONF_NOT_READY = 2,     /* nothing has been published yet: try again */
  SHMCONF_WRONG_VERSION = 3, /* made by an incompatible version */
  SHMCONF_DAMAGED = 4,       /* bytes that fail a bound or a checksum */
  SHMCONF_DENIED = 5,        /* not permitted: ownership, mode, symlink; an encrypted backup */
  SHMCONF_INVALID = 6,       /* a wrong argument; a buffer that is too small */
  SHMCONF_WRONG_TYPE = 7,    /* the value does not parse as the type asked for */
  SHMCONF_TIMEOUT = 8,       /* the time given ran out */
  SHMCONF_UNAVAILABLE = 9,
  SHMCONF_NO_SPACE = 10,     /* no memory */
  SHMCONF_SYSTEM = 11        /* any other failure of the operating system */
} shmconf_code;

typedef struct shmconf_reader shmconf_reader;
typedef struct shmconf_snapshot shmconf_snapshot;
typedef struct shmconf_iterator shmconf_iterator;

/* What the last failed call of this thread says, one line; "" before any. Valid until the next
 * failed call of this thread. */
SHMCONF_EXPORT const char* shmconf_last_error(void) SHMCONF_NOEXCEPT;

/* The library's version, as "0.1.0"; lives for ever. */
SHMCONF_EXPORT const char* shmconf_version(void) SHMCONF_NOEXCEPT;

/* --- opening --- */

typedef struct shmconf_options {
  size_t size;
  const char* directory;   /* the root; NULL or "": $SHMCONF_DIR, else /dev/shm/shmconf-<uid> */
  const char* backup_file; /* NULL or "": as the segment names it, else $SHMCONF_BACKUP, else the default */
  int verify;              /* not 0: check every byte of the first snapshot */
  int deny_backup;         /* not 0: no backup, even where there is nothing else */
  int private_copy;        /* not 0: survives files that are cut short; see OpenOptions in reader.h */
} shmconf_options;
#define SHMCONF_OPTIONS_INIT {sizeof(shmconf_options), NULL, NULL, 0, 0, 0}

/* Open by name (NULL or "": $SHMCONF_NAME), by directory <root>/<name>, or one backup file. options
 * may be NULL. On SHMCONF_OK the caller owns *reader until shmconf_close; else *reader is NULL. */
SHMCONF_EXPORT shmconf_code shmconf_open(const char* name, const shmconf_options* options,
                                         shmconf_reader** reader) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_open_directory(const char* directory, const shmconf_options* options,
                                                   shmconf_reader** reader) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_open_backup(const char* file, shmconf_reader** reader) SHMCONF_NOEXCEPT;

/* As LaunchOptions in launch.h. */
typedef struct shmconf_launch_options {
  size_t size;
  const char* directory;        /* as in shmconf_options; the sidecar's too */
  const char* backup_file;      /* as in shmconf_options; the sidecar's too */
  const char* settings_file;    /* the sidecar's; NULL or "": none */
  const char* const* arguments; /* further flags of `shmconf run`, NULL-terminated; NULL: none */
  const char* binary;           /* NULL or "": $SHMCONF_BIN, else beside this library, else on PATH */
} shmconf_launch_options;
#define SHMCONF_LAUNCH_OPTIONS_INIT {sizeof(shmconf_launch_options), NULL, NULL, NULL, NULL, NULL}

/* Opens the configuration of a name (NULL or "": $SHMCONF_NAME), and starts a sidecar for it first
 * where there is none: one for all processes that launch the name. The sidecar ends by itself once
 * all of them have closed their launched readers or died; a copy, and a child made by fork, count
 * too. Blocks until there is a configuration, as launch() in launch.h does, which tells the rest.
 * options may be NULL. SHMCONF_INVALID: wrong settings or name. SHMCONF_ABSENT: no configuration to
 * be had, or no binary of shmconf found. */
SHMCONF_EXPORT shmconf_code shmconf_launch(const char* name, const shmconf_launch_options* options,
                                           shmconf_reader** reader) SHMCONF_NOEXCEPT;

/* A reader of the same place, for another thread. Callbacks are not copied. */
SHMCONF_EXPORT shmconf_code shmconf_copy(const shmconf_reader* reader,
                                         shmconf_reader** copy) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT void shmconf_close(shmconf_reader* reader) SHMCONF_NOEXCEPT;

/* --- reading the newest generation --- */

/* Points *value into the mapping: valid until the next call with this reader. */
SHMCONF_EXPORT shmconf_code shmconf_get(shmconf_reader* reader, const char* key, size_t key_bytes,
                                        const char** value, size_t* value_bytes) SHMCONF_NOEXCEPT;

/* Copies the value. *value_bytes is always the value's whole size, also when capacity is too small:
 * then SHMCONF_INVALID, and nothing is copied. No NUL is added. */
SHMCONF_EXPORT shmconf_code shmconf_get_copy(shmconf_reader* reader, const char* key, size_t key_bytes,
                                             char* buffer, size_t capacity,
                                             size_t* value_bytes) SHMCONF_NOEXCEPT;

/* Typed: SHMCONF_ABSENT, SHMCONF_WRONG_TYPE or SHMCONF_DAMAGED leave *value as it was, so that it
 * can hold the default. parse.h says what is accepted. */
SHMCONF_EXPORT shmconf_code shmconf_get_int64(shmconf_reader* reader, const char* key, size_t key_bytes,
                                              int64_t* value) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_get_uint64(shmconf_reader* reader, const char* key, size_t key_bytes,
                                               uint64_t* value) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_get_double(shmconf_reader* reader, const char* key, size_t key_bytes,
                                               double* value) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_get_bool(shmconf_reader* reader, const char* key, size_t key_bytes,
                                             int* value) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_get_milliseconds(shmconf_reader* reader, const char* key,
                                                     size_t key_bytes, int64_t* value) SHMCONF_NOEXCEPT;

/* --- one generation, held --- */

typedef enum shmconf_kind { /* as Kind in format.h */
  SHMCONF_KIND_BYTES = 0,
  SHMCONF_KIND_DOCUMENT = 1, /* a JSON object or array, opened up into pointers */
  SHMCONF_KIND_STRING = 2,   /* this and the following: leaves of JSON documents */
  SHMCONF_KIND_INTEGER = 3,
  SHMCONF_KIND_DOUBLE = 4,
  SHMCONF_KIND_BOOL = 5,
  SHMCONF_KIND_NULL = 6
} shmconf_kind;

typedef enum shmconf_origin { /* as Origin in format.h */
  SHMCONF_ORIGIN_CONSUL = 1,
  SHMCONF_ORIGIN_BACKUP = 2,
  SHMCONF_ORIGIN_DEV = 3
} shmconf_origin;

typedef struct shmconf_entry {
  size_t size;
  const char* key;
  size_t key_bytes;
  const char* value;
  size_t value_bytes;
  const char* session; /* of the lock; session_bytes 0: not locked */
  size_t session_bytes;
  uint64_t create_index;
  uint64_t modify_index;
  uint64_t lock_index;
  uint64_t flags;
  int kind; /* a shmconf_kind */
} shmconf_entry;
#define SHMCONF_ENTRY_INIT {sizeof(shmconf_entry), NULL, 0, NULL, 0, NULL, 0, 0, 0, 0, 0, 0}

/* Holds the newest generation until shmconf_snapshot_free: what it points to stays. The reader may
 * be closed before. */
SHMCONF_EXPORT shmconf_code shmconf_snapshot_take(shmconf_reader* reader,
                                                  shmconf_snapshot** snapshot) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT void shmconf_snapshot_free(shmconf_snapshot* snapshot) SHMCONF_NOEXCEPT;

SHMCONF_EXPORT shmconf_code shmconf_snapshot_get(const shmconf_snapshot* snapshot, const char* key,
                                                 size_t key_bytes, const char** value,
                                                 size_t* value_bytes) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_snapshot_entry(const shmconf_snapshot* snapshot, const char* key,
                                                   size_t key_bytes, shmconf_entry* entry) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT uint64_t shmconf_snapshot_generation(const shmconf_snapshot* snapshot) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT uint64_t shmconf_snapshot_key_count(const shmconf_snapshot* snapshot) SHMCONF_NOEXCEPT;
/* Consul's index of the n-th source; 0 beyond shmconf_status.index_count. */
SHMCONF_EXPORT uint64_t shmconf_snapshot_index(const shmconf_snapshot* snapshot, size_t n) SHMCONF_NOEXCEPT;
/* Checks every byte. */
SHMCONF_EXPORT shmconf_code shmconf_snapshot_verify(const shmconf_snapshot* snapshot) SHMCONF_NOEXCEPT;

typedef enum shmconf_listing { SHMCONF_KEYS = 0, SHMCONF_POINTERS = 1, SHMCONF_BOTH = 2 } shmconf_listing;

/* Entries whose keys begin with prefix, in the byte order of their keys. The iterator holds the
 * snapshot: entries stay valid until shmconf_iterator_free. listing: a shmconf_listing; another number
 * is SHMCONF_INVALID. shmconf_next: SHMCONF_OK with the next entry, SHMCONF_ABSENT at the end (no error
 * text), SHMCONF_DAMAGED where bytes are not sound. */
SHMCONF_EXPORT shmconf_code shmconf_iterate(const shmconf_snapshot* snapshot, const char* prefix,
                                            size_t prefix_bytes, int listing,
                                            shmconf_iterator** iterator) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_next(shmconf_iterator* iterator, shmconf_entry* entry) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT void shmconf_iterator_free(shmconf_iterator* iterator) SHMCONF_NOEXCEPT;

/* --- following changes --- */

SHMCONF_EXPORT uint64_t shmconf_generation(shmconf_reader* reader) SHMCONF_NOEXCEPT;

/* Reader::generation_word, for bindings in whose language a load is much cheaper than a call. *address
 * is NULL where there is no segment, and for a private copy. The word lives until shmconf_word_free, longer than the reader. */
typedef struct shmconf_word shmconf_word;
SHMCONF_EXPORT shmconf_code shmconf_word_take(shmconf_reader* reader, shmconf_word** word,
                                              const uint64_t** address) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT void shmconf_word_free(shmconf_word* word) SHMCONF_NOEXCEPT;

/* Reader::poll: SHMCONF_OK when the generation is another one than when poll or wait last returned,
 * else SHMCONF_TIMEOUT (no error text). */
SHMCONF_EXPORT shmconf_code shmconf_poll(shmconf_reader* reader) SHMCONF_NOEXCEPT;

/* Blocks until the generation is another one: SHMCONF_OK, or SHMCONF_TIMEOUT after timeout_ms. With
 * shmconf_wait_after, another one than `after`. Signals do not end it: slice where they must. */
SHMCONF_EXPORT shmconf_code shmconf_wait(shmconf_reader* reader, int64_t timeout_ms) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT shmconf_code shmconf_wait_after(shmconf_reader* reader, int64_t timeout_ms,
                                               uint64_t after) SHMCONF_NOEXCEPT;

/* Reader::on_change. before is NULL for a new key, after for one that is gone; both live as long as
 * the call. The callback runs inside shmconf_poll and shmconf_wait and must not throw. */
typedef void (*shmconf_change_callback)(void* context, const char* key, size_t key_bytes,
                                        const shmconf_entry* before, const shmconf_entry* after);
SHMCONF_EXPORT shmconf_code shmconf_on_change(shmconf_reader* reader, const char* key_or_prefix, size_t bytes,
                                              shmconf_change_callback callback, void* context,
                                              uint64_t* id) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT void shmconf_remove_callback(shmconf_reader* reader, uint64_t id) SHMCONF_NOEXCEPT;

/* --- status --- */

typedef enum shmconf_verdict { /* as Verdict in status.h */
  SHMCONF_LIVE = 0,
  SHMCONF_STALE = 1,
  SHMCONF_BACKUP = 2,
  SHMCONF_DEAD = 3
} shmconf_verdict;

#define SHMCONF_ROLE_WATCH 0
#define SHMCONF_ROLE_HEARTBEAT 1
#define SHMCONF_ROLE_SUPERVISOR 2
#define SHMCONF_ROLE_COUNT 3

/* As RoleStatus; ages in nanoseconds, -1 where the C++ struct has none. */
typedef struct shmconf_role {
  int alive;
  int64_t stamp_age_ns;
  int64_t contact_age_ns;
  int64_t failing_for_ns;
  int64_t stale_after_ns;
  uint64_t failures;
  uint64_t queries;
  uint64_t publishes;
  uint64_t starts;
  char last_error[256]; /* NUL-terminated */
} shmconf_role;

/* As Status. */
typedef struct shmconf_status {
  size_t size;
  int verdict; /* a shmconf_verdict */
  int origin;  /* a shmconf_origin */
  int from_file;
  int retired;
  int64_t contact_age_ns;
  uint64_t generation;
  uint64_t key_count;
  uint64_t pointer_count;
  uint64_t key_value_bytes;
  uint64_t snapshot_bytes;
  uint64_t index_count; /* of Consul indexes: shmconf_snapshot_index */
  uint64_t first_index; /* that of the first source; 0 where there is none */
  int64_t published_wall_ns;
  int64_t read_wall_ns;
  uint64_t sync_count;
  uint64_t settled_rounds_exceeded;
  shmconf_role roles[SHMCONF_ROLE_COUNT];
  char backup_file[1024]; /* NUL-terminated; "" where there is none or it is longer */
  char directory[1024];
  char problem[512]; /* as Status::problem, cut to fit; "" where there is none */
} shmconf_status;

/* Requires status->size to be set. */
SHMCONF_EXPORT shmconf_code shmconf_get_status(shmconf_reader* reader,
                                               shmconf_status* status) SHMCONF_NOEXCEPT;

/* "live", "stale", "backup", "dead"; "consul", "backup", "dev"; "unknown" for another number. */
SHMCONF_EXPORT const char* shmconf_verdict_name(int verdict) SHMCONF_NOEXCEPT;
SHMCONF_EXPORT const char* shmconf_origin_name(int origin) SHMCONF_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* SHMCONF_C_H_ */
