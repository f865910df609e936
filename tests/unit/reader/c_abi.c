#include "unit/reader/c_abi.h"

#include <stdio.h>
#include <string.h>

#include "shmconf/c.h"

#define STRINGIFY(x) #x
#define LINE_TEXT(x) STRINGIFY(x)
#define CHECK(condition) \
  do {                   \
    if (!(condition)) return "line " LINE_TEXT(__LINE__) ": " #condition; \
  } while (0)
#define NUL SHMCONF_NUL_TERMINATED

static shmconf_reader* open_web(const char* root) {
  shmconf_options options = SHMCONF_OPTIONS_INIT;
  shmconf_reader* reader = NULL;
  options.directory = root;
  options.verify = 1;
  if (shmconf_open("web", &options, &reader) != SHMCONF_OK) fprintf(stderr, "%s\n", shmconf_last_error());
  return reader;
}

const char* c_check_gets(const char* root) {
  shmconf_reader* reader = open_web(root);
  const char* value = NULL;
  size_t bytes = 0;
  char buffer[4];
  int64_t number = 42;
  uint64_t natural = 42;
  double real = 42;
  int flag = 42;
  CHECK(reader != NULL);
  CHECK(shmconf_get(reader, "b", 1, &value, &bytes) == SHMCONF_OK && bytes == 4 && memcmp(value, "two\0", 4) == 0);
  CHECK(shmconf_get(reader, "bx", 1, &value, &bytes) == SHMCONF_OK);
  CHECK(shmconf_get(reader, "bx", NUL, &value, &bytes) == SHMCONF_ABSENT);
  CHECK(strlen(shmconf_last_error()) > 0);
  CHECK(shmconf_get_copy(reader, "b", NUL, buffer, 4, &bytes) == SHMCONF_OK && memcmp(buffer, "two\0", 4) == 0);
  memset(buffer, 'x', sizeof buffer);
  CHECK(shmconf_get_copy(reader, "b", NUL, buffer, 3, &bytes) == SHMCONF_INVALID && bytes == 4 && buffer[0] == 'x');
  CHECK(shmconf_get_copy(reader, "b", NUL, NULL, 0, &bytes) == SHMCONF_INVALID && bytes == 4);

  CHECK(shmconf_get_int64(reader, "b", NUL, &number) == SHMCONF_WRONG_TYPE && number == 42);
  CHECK(shmconf_get_int64(reader, "none", NUL, &number) == SHMCONF_ABSENT && number == 42);
  CHECK(shmconf_get_int64(reader, "a", NUL, &number) == SHMCONF_OK && number == 1);
  CHECK(shmconf_get_uint64(reader, "a", NUL, &natural) == SHMCONF_OK && natural == 1);
  CHECK(shmconf_get_double(reader, "a", NUL, &real) == SHMCONF_OK && real == 1.0);
  CHECK(shmconf_get_bool(reader, "dir/y", NUL, &flag) == SHMCONF_OK && flag == 1);
  CHECK(shmconf_get_milliseconds(reader, "dir/x", NUL, &number) == SHMCONF_OK && number == 30000);
  shmconf_close(reader);
  shmconf_close(NULL);
  return NULL;
}

static const char* check_listing(const shmconf_snapshot* snapshot, shmconf_listing listing, const char* const* expected,
                                 size_t count) {
  shmconf_iterator* iterator = NULL;
  shmconf_entry entry = SHMCONF_ENTRY_INIT;
  size_t i;
  CHECK(shmconf_iterate(snapshot, "dir/", NUL, listing, &iterator) == SHMCONF_OK);
  for (i = 0; i < count; ++i) {
    CHECK(shmconf_next(iterator, &entry) == SHMCONF_OK);
    CHECK(entry.key_bytes == strlen(expected[i]) && memcmp(entry.key, expected[i], entry.key_bytes) == 0);
  }
  CHECK(shmconf_next(iterator, &entry) == SHMCONF_ABSENT);
  CHECK(shmconf_next(iterator, &entry) == SHMCONF_ABSENT);
  shmconf_iterator_free(iterator);
  return NULL;
}

const char* c_check_snapshot(const char* root) {
  static const char* const kBoth[] = {"dir/x", "dir/y", "dir/y#/z"};
  shmconf_reader* reader = open_web(root);
  shmconf_snapshot* snapshot = NULL;
  shmconf_iterator* iterator = NULL;
  shmconf_entry entry = SHMCONF_ENTRY_INIT;
  const char* value = NULL;
  const char* wrong;
  size_t bytes = 0;
  CHECK(shmconf_snapshot_take(reader, &snapshot) == SHMCONF_OK);
  CHECK(shmconf_snapshot_generation(snapshot) == shmconf_generation(reader));
  shmconf_close(reader);
  CHECK(shmconf_snapshot_get(snapshot, "a", NUL, &value, &bytes) == SHMCONF_OK && bytes == 1 && *value == '1');
  CHECK(shmconf_snapshot_get(snapshot, "z", NUL, &value, &bytes) == SHMCONF_ABSENT);
  CHECK(shmconf_snapshot_entry(snapshot, "dir/x", NUL, &entry) == SHMCONF_OK);
  CHECK(entry.flags == 9 && entry.modify_index == 5 && entry.create_index == 4 && entry.session_bytes == 0);
  CHECK(entry.kind == SHMCONF_KIND_BYTES && entry.value_bytes == 3 && memcmp(entry.value, "30s", 3) == 0);
  CHECK(shmconf_snapshot_key_count(snapshot) == 4);
  CHECK(shmconf_snapshot_index(snapshot, 0) == 11 && shmconf_snapshot_index(snapshot, 1) == 0);
  CHECK(shmconf_snapshot_verify(snapshot) == SHMCONF_OK);
  if ((wrong = check_listing(snapshot, SHMCONF_KEYS, kBoth, 2)) != NULL) return wrong;
  if ((wrong = check_listing(snapshot, SHMCONF_POINTERS, kBoth + 2, 1)) != NULL) return wrong;
  if ((wrong = check_listing(snapshot, SHMCONF_BOTH, kBoth, 3)) != NULL) return wrong;
  CHECK(shmconf_iterate(snapshot, "", 0, 7, &iterator) == SHMCONF_INVALID && iterator == NULL);

  /* The iterator holds the snapshot. */
  CHECK(shmconf_iterate(snapshot, "", 0, SHMCONF_KEYS, &iterator) == SHMCONF_OK);
  shmconf_snapshot_free(snapshot);
  CHECK(shmconf_next(iterator, &entry) == SHMCONF_OK && entry.key_bytes == 1 && *entry.key == 'a');
  /* A caller of an older header gets what it knows of, and nothing behind it. */
  entry.size = offsetof(shmconf_entry, value);
  entry.value = NULL;
  CHECK(shmconf_next(iterator, &entry) == SHMCONF_OK && *entry.key == 'b' && entry.value == NULL);
  CHECK(entry.size == offsetof(shmconf_entry, value));
  shmconf_iterator_free(iterator);
  return NULL;
}

const char* c_check_status(const char* root) {
  shmconf_reader* reader = open_web(root);
  shmconf_status status;
  memset(&status, 0x7f, sizeof status);
  status.size = sizeof status;
  CHECK(shmconf_get_status(reader, &status) == SHMCONF_OK);
  CHECK(status.size == sizeof status);
  CHECK(status.verdict == SHMCONF_DEAD && status.origin == SHMCONF_ORIGIN_CONSUL && !status.from_file);
  CHECK(status.generation == shmconf_generation(reader) && status.key_count == 4 && status.pointer_count == 1);
  CHECK(status.index_count == 1 && status.first_index == 11);
  CHECK(status.contact_age_ns == -1 && status.roles[SHMCONF_ROLE_WATCH].stamp_age_ns == -1);
  CHECK(strcmp(status.roles[SHMCONF_ROLE_HEARTBEAT].last_error, "refused") == 0);
  CHECK(status.roles[SHMCONF_ROLE_HEARTBEAT].failures == 3);
  CHECK(strncmp(status.directory, root, strlen(root)) == 0);
  CHECK(strcmp(shmconf_verdict_name(status.verdict), "dead") == 0);
  CHECK(strcmp(shmconf_verdict_name(99), "unknown") == 0);
  CHECK(strcmp(shmconf_origin_name(status.origin), "consul") == 0);

  memset(&status, 0x7f, sizeof status);
  status.size = offsetof(shmconf_status, key_count);
  CHECK(shmconf_get_status(reader, &status) == SHMCONF_OK);
  CHECK(status.generation == shmconf_generation(reader) && status.key_count == UINT64_C(0x7f7f7f7f7f7f7f7f));
  shmconf_close(reader);
  return NULL;
}

const char* c_check_opens(const char* root, const char* backup_file) {
  shmconf_options options = SHMCONF_OPTIONS_INIT;
  shmconf_reader* reader = (shmconf_reader*)&options;
  char directory[512];
  shmconf_word* word = NULL;
  const uint64_t* address = (const uint64_t*)&options;
  options.directory = root;
  options.deny_backup = 1;
  CHECK(shmconf_open("no name", &options, &reader) == SHMCONF_INVALID && reader == NULL);
  CHECK(strstr(shmconf_last_error(), "no name") != NULL);
  CHECK(shmconf_open("none", &options, &reader) == SHMCONF_ABSENT && reader == NULL);
  CHECK(shmconf_open_backup("/nonexistent/file", &reader) == SHMCONF_ABSENT && reader == NULL);
  options.deny_backup = 0;
  options.backup_file = backup_file;
  CHECK(shmconf_open("none", &options, &reader) == SHMCONF_OK && reader != NULL);
  CHECK(shmconf_word_take(reader, &word, &address) == SHMCONF_OK && address == NULL);
  shmconf_word_free(word);
  shmconf_close(reader);
  CHECK(shmconf_open_backup(backup_file, &reader) == SHMCONF_OK);
  shmconf_close(reader);
  snprintf(directory, sizeof directory, "%s/web", root);
  CHECK(shmconf_open_directory(directory, NULL, &reader) == SHMCONF_OK);
  shmconf_close(reader);
  CHECK(shmconf_version()[0] >= '0' && shmconf_version()[0] <= '9');
  return NULL;
}

const char* c_check_launches(const char* root, const char* binary) {
  static const char* const kFlags[] = {"--prefix", "config/web/", NULL};
  shmconf_launch_options options = SHMCONF_LAUNCH_OPTIONS_INIT;
  shmconf_reader* reader = (shmconf_reader*)&options;
  options.directory = root;
  options.arguments = kFlags;
  options.binary = "/nonexistent/shmconf";
  CHECK(shmconf_launch("no name", &options, &reader) == SHMCONF_INVALID && reader == NULL);
  CHECK(strstr(shmconf_last_error(), "no name") != NULL);
  CHECK(shmconf_launch("web", &options, &reader) == SHMCONF_ABSENT && reader == NULL);
  CHECK(strstr(shmconf_last_error(), "SHMCONF_BIN") != NULL);
  options.binary = binary;
  CHECK(shmconf_launch("web", &options, &reader) == SHMCONF_INVALID && reader == NULL);
  CHECK(strstr(shmconf_last_error(), binary) != NULL);
  /* A caller of an older header: what it does not know of is not looked at. */
  options.size = offsetof(shmconf_launch_options, binary);
  options.arguments = NULL;
  options.binary = (const char*)1;
  CHECK(shmconf_launch("no name", &options, &reader) == SHMCONF_INVALID);
  return NULL;
}

struct noted {
  int calls;
  char text[256];
};

static void note(void* context, const char* key, size_t key_bytes, const shmconf_entry* before,
                 const shmconf_entry* after) {
  struct noted* noted = context;
  const size_t used = strlen(noted->text);
  ++noted->calls;
  snprintf(noted->text + used, sizeof noted->text - used, "%.*s:%.*s>%.*s;", (int)key_bytes, key,
           before ? (int)before->value_bytes : 1, before ? before->value : "-", after ? (int)after->value_bytes : 1,
           after ? after->value : "-");
}

const char* c_check_changes(const char* root, void (*publish)(void*), void* context) {
  shmconf_reader* reader = open_web(root);
  shmconf_reader* copy = NULL;
  struct noted noted = {0, ""};
  uint64_t id = 0;
  uint64_t unused = 0;
  const uint64_t before = shmconf_generation(reader);
  shmconf_word* word = NULL;
  const uint64_t* address = NULL;
  CHECK(shmconf_word_take(reader, &word, &address) == SHMCONF_OK);
  CHECK(*(const volatile uint64_t*)address == before);
  CHECK(shmconf_copy(reader, &copy) == SHMCONF_OK);
  CHECK(shmconf_on_change(reader, "", 0, note, &noted, &id) == SHMCONF_OK);
  CHECK(shmconf_on_change(reader, "a", 1, note, &noted, &unused) == SHMCONF_OK);
  shmconf_remove_callback(reader, unused);
  CHECK(shmconf_poll(reader) == SHMCONF_TIMEOUT);
  CHECK(shmconf_wait(reader, 1) == SHMCONF_TIMEOUT);
  publish(context);
  CHECK(*(const volatile uint64_t*)address != before);
  CHECK(shmconf_wait(reader, INT64_MAX) == SHMCONF_OK);
  CHECK(*(const volatile uint64_t*)address == shmconf_generation(reader));
  CHECK(strcmp(noted.text, "a:1>2;b:two>-;") == 0);
  CHECK(shmconf_wait_after(reader, 0, before) == SHMCONF_OK);
  CHECK(shmconf_wait_after(reader, 0, shmconf_generation(reader)) == SHMCONF_TIMEOUT);
  CHECK(shmconf_poll(copy) == SHMCONF_OK);
  CHECK(noted.calls == 2);
  shmconf_close(copy);
  shmconf_close(reader);
  CHECK(*(const volatile uint64_t*)address != before);
  shmconf_word_free(word);
  return NULL;
}
