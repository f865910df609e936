// The C ABI over Reader and Snapshot: arguments, codes and sizes; nothing of its own.
#include "shmconf/c.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "shmconf/launch.h"
#include "shmconf/reader.h"

#ifndef SHMCONF_VERSION
#error "the build defines SHMCONF_VERSION"
#endif

struct shmconf_reader {
  shmconf::Reader reader;
};

struct shmconf_snapshot {
  shmconf::Snapshot snapshot;
};

struct shmconf_word {
  std::shared_ptr<const std::atomic<uint64_t>> word;
};

struct shmconf_iterator {
  shmconf::Entries entries;
  shmconf::Entries::Iterator at;
  bool begun;
};

namespace {

using shmconf::Entry;
using shmconf::Error;
using shmconf::Lookup;

// A plain array, so that a failure allocates nothing and a thread's end runs nothing.
thread_local char last_error[1024] = "";

shmconf_code fail(shmconf_code code, const char* text) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", text);
  return code;
}

shmconf_code fail(const Error& error) noexcept {
  return fail(static_cast<shmconf_code>(error.code), error.text.c_str());
}

shmconf_code fail(Lookup lookup) noexcept {
  if (lookup == Lookup::kDamaged) {
    return fail(SHMCONF_DAMAGED, "the snapshot is damaged where the key should be");
  }
  return fail(SHMCONF_ABSENT, "there is no such key");
}

shmconf_code no_memory() noexcept { return fail(SHMCONF_NO_SPACE, "no memory"); }

// Runs what may throw: only for want of memory.
template <typename Step>
shmconf_code guarded(Step step) noexcept {
  try {
    return step();
  } catch (const std::bad_alloc&) {
    return no_memory();
  } catch (const std::exception& unexpected) {
    return fail(SHMCONF_SYSTEM, unexpected.what());
  }
}

std::string_view text_of(const char* bytes, size_t size) noexcept {
  if (bytes == nullptr) return {};
  return size == SHMCONF_NUL_TERMINATED ? std::string_view(bytes) : std::string_view(bytes, size);
}

std::string string_of(const char* text) { return text != nullptr ? text : ""; }

shmconf::OpenOptions options_of(const shmconf_options* given) {
  shmconf_options known = SHMCONF_OPTIONS_INIT;
  if (given != nullptr) std::memcpy(&known, given, std::min(given->size, sizeof known));
  shmconf::OpenOptions options;
  options.directory = string_of(known.directory);
  options.backup_file = string_of(known.backup_file);
  options.verify = known.verify != 0;
  options.allow_backup = known.deny_backup == 0;
  options.private_copy = known.private_copy != 0;
  return options;
}

shmconf::LaunchOptions options_of(const shmconf_launch_options* given) {
  shmconf_launch_options known = SHMCONF_LAUNCH_OPTIONS_INIT;
  if (given != nullptr) std::memcpy(&known, given, std::min(given->size, sizeof known));
  shmconf::LaunchOptions options;
  options.directory = string_of(known.directory);
  options.backup_file = string_of(known.backup_file);
  options.settings_file = string_of(known.settings_file);
  options.binary = string_of(known.binary);
  for (auto next = known.arguments; next != nullptr && *next != nullptr; ++next) {
    options.arguments.emplace_back(*next);
  }
  return options;
}

shmconf_code hand_out(shmconf::Result<shmconf::Reader> opened, shmconf_reader** reader) {
  if (!opened) return fail(opened.error());
  *reader = new shmconf_reader{std::move(*opened)};
  return SHMCONF_OK;
}

shmconf_entry entry_of(const Entry& entry) noexcept {
  const std::string_view session = entry.session();
  return {sizeof(shmconf_entry), entry.key.data(),      entry.key.size(),   entry.value.data(),
          entry.value.size(),    session.data(),        session.size(),     entry.create_index(),
          entry.modify_index(),  entry.lock_index(),    entry.flags(),      static_cast<int>(entry.kind())};
}

// Fills as much of a caller's struct as the caller's header knew of; its size stays.
template <typename T>
void fill(T* target, const T& full) noexcept {
  const size_t known = std::min(target->size, sizeof full);
  if (known <= sizeof target->size) return;
  std::memcpy(reinterpret_cast<char*>(target) + sizeof target->size,
              reinterpret_cast<const char*>(&full) + sizeof full.size, known - sizeof full.size);
}

template <typename T, typename Out>
shmconf_code get_typed(shmconf_reader* reader, const char* key, size_t key_bytes, Out* out) noexcept {
  Entry entry;
  const Lookup lookup = reader->reader.find(text_of(key, key_bytes), entry);
  if (lookup != Lookup::kFound) return fail(lookup);
  T value{};
  if (entry.kind() == shmconf::format::Kind::kNull || !shmconf::parse(entry.value, value)) {
    char text[128];
    std::snprintf(text, sizeof text, "the value is not %s", shmconf::parse_detail::type_name<T>());
    return fail(SHMCONF_WRONG_TYPE, text);
  }
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
    *out = value.count();
  } else {
    *out = static_cast<Out>(value);
  }
  return SHMCONF_OK;
}

int64_t nanoseconds_or_none(const std::optional<std::chrono::nanoseconds>& age) noexcept {
  return age ? age->count() : -1;
}

template <size_t kSize>
void copy_text(char (&target)[kSize], const std::string& text) noexcept {
  if (text.size() < kSize) std::memcpy(target, text.c_str(), text.size() + 1);
}

shmconf_role role_of(const shmconf::RoleStatus& status) noexcept {
  shmconf_role role{};
  role.alive = status.alive;
  role.stamp_age_ns = nanoseconds_or_none(status.stamp_age);
  role.contact_age_ns = nanoseconds_or_none(status.contact_age);
  role.failing_for_ns = nanoseconds_or_none(status.failing_for);
  role.stale_after_ns = status.stale_after.count();
  role.failures = status.failures;
  role.queries = status.queries;
  role.publishes = status.publishes;
  role.starts = status.starts;
  copy_text(role.last_error, status.last_error);
  return role;
}

shmconf_status status_of(const shmconf::Status& from) noexcept {
  shmconf_status status{};
  status.verdict = static_cast<int>(from.verdict);
  status.origin = static_cast<int>(from.origin);
  status.from_file = from.from_file;
  status.retired = from.retired;
  status.contact_age_ns = nanoseconds_or_none(from.contact_age);
  status.generation = from.generation;
  status.key_count = from.key_count;
  status.pointer_count = from.pointer_count;
  status.key_value_bytes = from.key_value_bytes;
  status.snapshot_bytes = from.snapshot_bytes;
  status.index_count = from.indexes.size();
  status.first_index = from.indexes.empty() ? 0 : from.indexes[0];
  status.published_wall_ns = from.published.time_since_epoch().count();
  status.read_wall_ns = from.read.time_since_epoch().count();
  status.sync_count = from.sync_count;
  status.settled_rounds_exceeded = from.settled_rounds_exceeded;
  for (size_t i = 0; i < SHMCONF_ROLE_COUNT; ++i) status.roles[i] = role_of(from.roles[i]);
  copy_text(status.backup_file, from.backup_file);
  copy_text(status.directory, from.directory);
  std::snprintf(status.problem, sizeof status.problem, "%s", from.problem.c_str());
  return status;
}

shmconf_code wait(shmconf_reader* reader, int64_t timeout_ms, const uint64_t* after) noexcept {
  constexpr int64_t kLongest = std::numeric_limits<int64_t>::max() / 1'000'000;
  const std::chrono::milliseconds timeout(std::min(timeout_ms, kLongest));
  return guarded([&] {
    const bool moved =
        after ? reader->reader.wait_for_change(timeout, *after) : reader->reader.wait_for_change(timeout);
    return moved ? SHMCONF_OK : SHMCONF_TIMEOUT;
  });
}

}  // namespace

const char* shmconf_last_error(void) noexcept { return last_error; }

const char* shmconf_version(void) noexcept { return SHMCONF_VERSION; }

shmconf_code shmconf_open(const char* name, const shmconf_options* options,
                          shmconf_reader** reader) noexcept {
  *reader = nullptr;
  return guarded([&] {
    return hand_out(shmconf::Reader::open(string_of(name), options_of(options)), reader);
  });
}

shmconf_code shmconf_open_directory(const char* directory, const shmconf_options* options,
                                    shmconf_reader** reader) noexcept {
  *reader = nullptr;
  return guarded([&] {
    return hand_out(shmconf::Reader::open_directory(string_of(directory), options_of(options)), reader);
  });
}

shmconf_code shmconf_open_backup(const char* file, shmconf_reader** reader) noexcept {
  *reader = nullptr;
  return guarded([&] { return hand_out(shmconf::Reader::open_backup(string_of(file)), reader); });
}

shmconf_code shmconf_launch(const char* name, const shmconf_launch_options* options,
                            shmconf_reader** reader) noexcept {
  *reader = nullptr;
  return guarded([&] { return hand_out(shmconf::launch(string_of(name), options_of(options)), reader); });
}

shmconf_code shmconf_copy(const shmconf_reader* reader, shmconf_reader** copy) noexcept {
  *copy = nullptr;
  return guarded([&] {
    *copy = new shmconf_reader{reader->reader};
    return SHMCONF_OK;
  });
}

void shmconf_close(shmconf_reader* reader) noexcept { delete reader; }

shmconf_code shmconf_get(shmconf_reader* reader, const char* key, size_t key_bytes, const char** value,
                         size_t* value_bytes) noexcept {
  Entry entry;
  const Lookup lookup = reader->reader.find(text_of(key, key_bytes), entry);
  if (lookup != Lookup::kFound) return fail(lookup);
  *value = entry.value.data();
  *value_bytes = entry.value.size();
  return SHMCONF_OK;
}

shmconf_code shmconf_get_copy(shmconf_reader* reader, const char* key, size_t key_bytes, char* buffer,
                              size_t capacity, size_t* value_bytes) noexcept {
  const char* value = nullptr;
  const shmconf_code code = shmconf_get(reader, key, key_bytes, &value, value_bytes);
  if (code != SHMCONF_OK) return code;
  if (*value_bytes > capacity) return fail(SHMCONF_INVALID, "the buffer is too small for the value");
  if (*value_bytes != 0) std::memcpy(buffer, value, *value_bytes);
  return SHMCONF_OK;
}

shmconf_code shmconf_get_int64(shmconf_reader* reader, const char* key, size_t key_bytes,
                               int64_t* value) noexcept {
  return get_typed<int64_t>(reader, key, key_bytes, value);
}

shmconf_code shmconf_get_uint64(shmconf_reader* reader, const char* key, size_t key_bytes,
                               uint64_t* value) noexcept {
  return get_typed<uint64_t>(reader, key, key_bytes, value);
}

shmconf_code shmconf_get_double(shmconf_reader* reader, const char* key, size_t key_bytes,
                               double* value) noexcept {
  return get_typed<double>(reader, key, key_bytes, value);
}

shmconf_code shmconf_get_bool(shmconf_reader* reader, const char* key, size_t key_bytes,
                               int* value) noexcept {
  return get_typed<bool>(reader, key, key_bytes, value);
}

shmconf_code shmconf_get_milliseconds(shmconf_reader* reader, const char* key, size_t key_bytes,
                                      int64_t* value) noexcept {
  return get_typed<std::chrono::milliseconds>(reader, key, key_bytes, value);
}

shmconf_code shmconf_snapshot_take(shmconf_reader* reader, shmconf_snapshot** snapshot) noexcept {
  *snapshot = new (std::nothrow) shmconf_snapshot{reader->reader.snapshot()};
  return *snapshot != nullptr ? SHMCONF_OK : no_memory();
}

void shmconf_snapshot_free(shmconf_snapshot* snapshot) noexcept { delete snapshot; }

shmconf_code shmconf_snapshot_get(const shmconf_snapshot* snapshot, const char* key, size_t key_bytes,
                                  const char** value, size_t* value_bytes) noexcept {
  Entry entry;
  const Lookup lookup = snapshot->snapshot.find(text_of(key, key_bytes), entry);
  if (lookup != Lookup::kFound) return fail(lookup);
  *value = entry.value.data();
  *value_bytes = entry.value.size();
  return SHMCONF_OK;
}

shmconf_code shmconf_snapshot_entry(const shmconf_snapshot* snapshot, const char* key, size_t key_bytes,
                                    shmconf_entry* entry) noexcept {
  Entry found;
  const Lookup lookup = snapshot->snapshot.find(text_of(key, key_bytes), found);
  if (lookup != Lookup::kFound) return fail(lookup);
  fill(entry, entry_of(found));
  return SHMCONF_OK;
}

uint64_t shmconf_snapshot_generation(const shmconf_snapshot* snapshot) noexcept {
  return snapshot->snapshot.generation();
}

uint64_t shmconf_snapshot_key_count(const shmconf_snapshot* snapshot) noexcept {
  return snapshot->snapshot.key_count();
}

uint64_t shmconf_snapshot_index(const shmconf_snapshot* snapshot, size_t n) noexcept {
  const auto indexes = snapshot->snapshot.view().indexes();
  return n < indexes.size() ? indexes[n] : 0;
}

shmconf_code shmconf_snapshot_verify(const shmconf_snapshot* snapshot) noexcept {
  return guarded([&] {
    const auto sound = snapshot->snapshot.verify();
    return sound ? SHMCONF_OK : fail(sound.error());
  });
}

shmconf_code shmconf_iterate(const shmconf_snapshot* snapshot, const char* prefix, size_t prefix_bytes,
                             int listing, shmconf_iterator** iterator) noexcept {
  *iterator = nullptr;
  if (listing < SHMCONF_KEYS || listing > SHMCONF_BOTH) return fail(SHMCONF_INVALID, "no such listing");
  return guarded([&] {
    auto entries =
        snapshot->snapshot.prefix(text_of(prefix, prefix_bytes), static_cast<shmconf::Listing>(listing));
    *iterator = new shmconf_iterator{std::move(entries), {}, false};
    return SHMCONF_OK;
  });
}

shmconf_code shmconf_next(shmconf_iterator* iterator, shmconf_entry* entry) noexcept {
  if (!iterator->begun) {
    iterator->at = iterator->entries.begin();
    iterator->begun = true;
  } else if (iterator->at != iterator->entries.end()) {
    ++iterator->at;
  }
  if (iterator->at != iterator->entries.end()) {
    fill(entry, entry_of(*iterator->at));
    return SHMCONF_OK;
  }
  if (iterator->entries.damaged()) {
    return fail(SHMCONF_DAMAGED, "the snapshot is damaged: the listing is not whole");
  }
  return SHMCONF_ABSENT;
}

void shmconf_iterator_free(shmconf_iterator* iterator) noexcept { delete iterator; }

uint64_t shmconf_generation(shmconf_reader* reader) noexcept { return reader->reader.generation(); }

shmconf_code shmconf_word_take(shmconf_reader* reader, shmconf_word** word, const uint64_t** address) noexcept {
  static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t));
  *word = new (std::nothrow) shmconf_word{reader->reader.generation_word()};
  if (*word == nullptr) return no_memory();
  *address = reinterpret_cast<const uint64_t*>((*word)->word.get());
  return SHMCONF_OK;
}

void shmconf_word_free(shmconf_word* word) noexcept { delete word; }

shmconf_code shmconf_poll(shmconf_reader* reader) noexcept {
  return guarded([&] { return reader->reader.poll() ? SHMCONF_OK : SHMCONF_TIMEOUT; });
}

shmconf_code shmconf_wait(shmconf_reader* reader, int64_t timeout_ms) noexcept {
  return wait(reader, timeout_ms, nullptr);
}

shmconf_code shmconf_wait_after(shmconf_reader* reader, int64_t timeout_ms, uint64_t after) noexcept {
  return wait(reader, timeout_ms, &after);
}

shmconf_code shmconf_on_change(shmconf_reader* reader, const char* key_or_prefix, size_t bytes,
                               shmconf_change_callback callback, void* context, uint64_t* id) noexcept {
  return guarded([&] {
    *id = reader->reader.on_change(text_of(key_or_prefix, bytes), [=](const shmconf::Change& change) {
      shmconf_entry before = SHMCONF_ENTRY_INIT;
      shmconf_entry after = SHMCONF_ENTRY_INIT;
      if (change.before) before = entry_of(*change.before);
      if (change.after) after = entry_of(*change.after);
      callback(context, change.key.data(), change.key.size(), change.before ? &before : nullptr,
               change.after ? &after : nullptr);
    });
    return SHMCONF_OK;
  });
}

void shmconf_remove_callback(shmconf_reader* reader, uint64_t id) noexcept {
  reader->reader.remove_callback(id);
}

shmconf_code shmconf_get_status(shmconf_reader* reader, shmconf_status* status) noexcept {
  return guarded([&] {
    fill(status, status_of(reader->reader.status()));
    return SHMCONF_OK;
  });
}

const char* shmconf_verdict_name(int verdict) noexcept {
  return shmconf::verdict_name(static_cast<shmconf::Verdict>(verdict));
}

const char* shmconf_origin_name(int origin) noexcept {
  return shmconf::origin_name(static_cast<shmconf::format::Origin>(origin));
}
