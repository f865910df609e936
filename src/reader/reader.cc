#include "shmconf/reader.h"

#include <utility>

#include "reader/attachment.h"
#include "reader/backup_file.h"
#include "reader/file_place.h"
#include "reader/locate.h"

namespace shmconf {
namespace reader {
namespace {

Attachment& behind(Cursor& cursor) noexcept { return static_cast<Attachment&>(cursor); }

}  // namespace

Result<Reader> open_at(std::shared_ptr<const Place> place, const OpenOptions& options) {
  auto attachment = Attachment::open(std::move(place), options);
  if (!attachment) return attachment.error();
  return Reader(std::move(*attachment));
}

}  // namespace reader

Result<Reader> Reader::open(std::string_view name, const OpenOptions& options) {
  auto location = reader::locate(name, options);
  if (!location) return location.error();
  if (auto sound = reader::check_path(options.backup_file); !sound) return sound.error();
  return reader::open_at(
      std::make_shared<const reader::FilePlace>(std::move(*location), options.backup_file, options.private_copy),
      options);
}

Result<Reader> Reader::open_directory(const std::string& directory, const OpenOptions& options) {
  auto location = reader::locate_directory(directory);
  if (!location) return location.error();
  if (auto sound = reader::check_path(options.backup_file); !sound) return sound.error();
  return reader::open_at(
      std::make_shared<const reader::FilePlace>(std::move(*location), options.backup_file, options.private_copy),
      options);
}

Result<Reader> Reader::open_backup(const std::string& file) {
  if (auto sound = reader::check_path(file); !sound) return sound.error();
  auto mapping = reader::read_backup(file, reader::AllowedOwner{.anybody = true, .also = {}});
  if (!mapping) return mapping.error();
  return Reader(reader::Attachment::of_backup(reader::Backup{std::move(*mapping), file}));
}

Result<Status> Reader::sidecar_status(std::string_view name, const OpenOptions& options) {
  auto location = reader::locate(name, options);
  if (!location) return location.error();
  return reader::page_status(reader::FilePlace(std::move(*location), options.backup_file, options.private_copy));
}

Reader::Reader(const Reader& other)
    : cursor_(std::make_shared<reader::Attachment>(reader::behind(*other.cursor_))) {}

Reader& Reader::operator=(const Reader& other) {
  if (this != &other) cursor_ = std::make_shared<reader::Attachment>(reader::behind(*other.cursor_));
  return *this;
}

Snapshot Reader::snapshot() const noexcept {
  static_cast<void>(newest_view());
  return reader::behind(*cursor_).snapshot();
}

std::shared_ptr<const std::atomic<std::uint64_t>> Reader::generation_word() const noexcept {
  return reader::behind(*cursor_).generation_word();
}

bool Reader::poll() { return reader::behind(*cursor_).poll(); }

bool Reader::wait_for_change(std::chrono::nanoseconds timeout) {
  return reader::behind(*cursor_).wait(timeout, std::nullopt);
}

bool Reader::wait_for_change(std::chrono::nanoseconds timeout, std::uint64_t after) {
  return reader::behind(*cursor_).wait(timeout, after);
}

std::uint64_t Reader::on_change(std::string_view key_or_prefix, ChangeCallback callback) {
  return reader::behind(*cursor_).changes().add(key_or_prefix, std::move(callback), snapshot());
}

void Reader::remove_callback(std::uint64_t id) noexcept { reader::behind(*cursor_).changes().remove(id); }

Status Reader::status() const { return reader::behind(*cursor_).status(); }

}  // namespace shmconf
