// FilePlace: the real place of a segment, <root>/<name>/ on a tmpfs, and its backup on disk.
//
// It keeps no descriptor: each step opens by path, so a directory that was replaced is found, and a
// program may close all its descriptors. Immutable; thread-safe.
#ifndef SHMCONF_READER_FILE_PLACE_H_
#define SHMCONF_READER_FILE_PLACE_H_

#include <sys/stat.h>

#include <string>

#include "reader/locate.h"
#include "reader/place.h"

namespace shmconf::reader {

class FilePlace : public Place {
 public:
  // backup_file, private_copy: as OpenOptions.
  FilePlace(Location location, std::string backup_file, bool private_copy = false);

  [[nodiscard]] const std::string& directory() const override { return directory_; }
  [[nodiscard]] Result<std::shared_ptr<const Page>> open_page() const override;
  [[nodiscard]] bool is_replaced(const Page& page) const override;
  [[nodiscard]] Result<MappedSnapshot> open_snapshot(const Page& page, std::uint64_t generation) const override;
  [[nodiscard]] Result<Page::Draft> open_draft(const Page& page) const override;
  std::shared_ptr<const Mapping> prepare(const Page& page, Page::Draft draft) const override;
  void share(const Page& page, const MappedSnapshot& snapshot) const override;
  [[nodiscard]] Result<Backup> open_backup(const Page* page) const override;
  [[nodiscard]] std::chrono::nanoseconds now() const override;
  void wait(const std::atomic<std::uint64_t>& word, std::uint32_t expected,
            std::chrono::nanoseconds timeout) const override;

 private:
  [[nodiscard]] Result<Descriptor> open_directory(struct stat& info) const;
  [[nodiscard]] Result<std::shared_ptr<const Page>> page_of(Descriptor& file, const struct stat& info,
                                                            const std::string& path) const;
  [[nodiscard]] std::shared_ptr<const Mapping> prepared_snapshot(const Page& page, std::uint64_t generation) const;

  Location location_;
  std::string directory_;
  std::string backup_file_;
  bool private_copy_;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_FILE_PLACE_H_
