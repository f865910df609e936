// A segment on disk as a sidecar would leave it, made by hand: directory, control page, snapshots.
// The page stays mapped for writing, so that a test can publish, retire and stamp.
#ifndef SHMCONF_TESTS_UNIT_READER_PLAIN_SEGMENT_H_
#define SHMCONF_TESTS_UNIT_READER_PLAIN_SEGMENT_H_

#include <cstdint>
#include <string>

#include "shmconf/format.h"
#include "unit/reader/plain_snapshot.h"

namespace shmconf::testing {

std::string read_file(const std::string& path);
// Written aside and renamed into place, mode 0600.
void write_file(const std::string& path, const std::string& bytes);
std::string kernel_boot_id();

class PlainSegment {
 public:
  // Makes <root>/<name>/ (which may be there) and its control page, with nothing published.
  PlainSegment(const std::string& root, const std::string& name, std::uint64_t created_s = 1000);
  PlainSegment(const PlainSegment&) = delete;
  PlainSegment& operator=(const PlainSegment&) = delete;
  ~PlainSegment();

  // Writes the snapshot of the next generation, then shows it and wakes. Returns the generation.
  std::uint64_t publish(PlainContent content);
  // As publish(), but the file holds these bytes.
  std::uint64_t publish_bytes(const std::string& bytes);
  // Stores the generation word and wakes.
  void show(std::uint64_t generation);
  void retire() { show(format::kRetired); }

  [[nodiscard]] std::uint64_t next_generation() const { return page().generation.load() + 1; }
  [[nodiscard]] std::string snapshot_file(std::uint64_t generation) const;
  [[nodiscard]] format::ControlPage& page() const { return *page_; }
  [[nodiscard]] format::RoleState& role(format::Role role) const {
    return page_->roles[static_cast<std::size_t>(role)];
  }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string control_file() const { return directory_ + "/control.v1"; }

 private:
  std::string directory_;
  format::ControlPage* page_ = nullptr;
};

}  // namespace shmconf::testing

#endif  // SHMCONF_TESTS_UNIT_READER_PLAIN_SEGMENT_H_
