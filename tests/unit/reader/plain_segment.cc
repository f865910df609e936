#include "unit/reader/plain_segment.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>

namespace shmconf::testing {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  const std::string aside = path + ".aside";
  std::ofstream(aside, std::ios::binary) << bytes;
  ::chmod(aside.c_str(), 0600);
  ::rename(aside.c_str(), path.c_str());
}

std::string kernel_boot_id() { return read_file("/proc/sys/kernel/random/boot_id").substr(0, 36); }

PlainSegment::PlainSegment(const std::string& root, const std::string& name, std::uint64_t created_s)
    : directory_(root + "/" + name) {
  ::mkdir(directory_.c_str(), 0700);
  write_file(control_file(), std::string(format::kControlPageBytes, '\0'));
  const int fd = ::open(control_file().c_str(), O_RDWR | O_CLOEXEC);
  void* map = ::mmap(nullptr, format::kControlPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (map == MAP_FAILED) std::abort();
  page_ = new (map) format::ControlPage();
  page_->magic = format::kControlMagic;
  page_->page_bytes = format::kControlPageBytes;
  const std::string boot_id = kernel_boot_id();
  std::copy(boot_id.begin(), boot_id.end(), page_->boot_id.begin());
  page_->snapshot_version = 1;
  page_->created_wall_s = created_s;
  page_->generation.store(created_s << 32);
  page_->version.store(1, std::memory_order_release);
}

PlainSegment::~PlainSegment() { ::munmap(page_, format::kControlPageBytes); }

std::string PlainSegment::snapshot_file(std::uint64_t generation) const {
  return directory_ + "/" + format::generation_name(generation);
}

std::uint64_t PlainSegment::publish(PlainContent content) {
  content.generation = next_generation();
  return publish_bytes(PlainSnapshot(std::move(content)).string());
}

std::uint64_t PlainSegment::publish_bytes(const std::string& bytes) {
  const std::uint64_t generation = next_generation();
  write_file(snapshot_file(generation), bytes);
  show(generation);
  return generation;
}

void PlainSegment::show(std::uint64_t generation) {
  page_->generation.store(generation, std::memory_order_release);
  ::syscall(SYS_futex, &page_->generation, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace shmconf::testing
