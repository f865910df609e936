#include "shm/mapping.h"

#include <sys/mman.h>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <utility>

#include "format/huge_pages.h"

namespace shmconf::shm {
namespace ipc = boost::interprocess;

namespace {

// Boost's file_mapping opens by path and would follow a symlink; this hands it a descriptor that
// was opened by the rules of Env.
class DescriptorMapping {
 public:
  explicit DescriptorMapping(int fd) : fd_(fd) {}
  [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const {
    return ipc::ipcdetail::mapping_handle_from_file_handle(fd_);
  }

 private:
  int fd_;
};

ipc::mapped_region map_shared(int fd, ipc::mode_t mode, std::size_t bytes) {
  const DescriptorMapping file(fd);
  if (void* const address = huge_page_address(bytes); address != nullptr) {
    try {
      return {file, mode, 0, bytes, address};
    } catch (const ipc::interprocess_exception&) {
      // Another thread's map has taken the address meanwhile, or what fails now fails again.
    }
  }
  return {file, mode, 0, bytes};
}

}  // namespace

struct Mapping::Region {
  ipc::mapped_region region;
};

Mapping::Mapping() = default;
Mapping::Mapping(Mapping&&) noexcept = default;
Mapping& Mapping::operator=(Mapping&&) noexcept = default;
Mapping::~Mapping() = default;

Result<Mapping> Mapping::map(env::Env& env, int fd, std::size_t bytes, Access access) {
  if (auto allowed = env.before_map(bytes); !allowed) return allowed.error();
  try {
    const auto mode = access == Access::kReadOnly ? ipc::read_only : ipc::read_write;
    Mapping mapping;
    mapping.region_ = std::make_unique<Region>(Region{map_shared(fd, mode, bytes)});
    // Configuration may hold secrets: keep it out of core dumps.
    ::madvise(mapping.region_->region.get_address(), bytes, MADV_DONTDUMP);
    return mapping;
  } catch (const ipc::interprocess_exception& error) {
    return env::system_error(error.get_native_error(), "map", std::to_string(bytes) + " bytes");
  } catch (const std::bad_alloc&) {
    return env::out_of_memory("map " + std::to_string(bytes) + " bytes");
  }
}

bool Mapping::mapped() const noexcept { return region_ != nullptr; }

std::span<std::byte> Mapping::bytes() noexcept {
  if (!region_) return {};
  return {static_cast<std::byte*>(region_->region.get_address()), region_->region.get_size()};
}

std::span<const std::byte> Mapping::bytes() const noexcept {
  if (!region_) return {};
  return {static_cast<const std::byte*>(region_->region.get_address()), region_->region.get_size()};
}

void Mapping::make_read_only() noexcept {
  if (region_) ::mprotect(region_->region.get_address(), region_->region.get_size(), PROT_READ);
}

void Mapping::shrink(std::size_t bytes) noexcept {
  if (region_) region_->region.shrink_by(region_->region.get_size() - bytes);
}

bool Mapping::leave_file() noexcept {
  if (!region_) return false;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  void* const base = region_->region.get_address();
  return ::mmap(base, region_->region.get_size(), PROT_READ | PROT_WRITE, kFlags, -1, 0) != MAP_FAILED;
}

void Mapping::reset() noexcept { region_.reset(); }

}  // namespace shmconf::shm
