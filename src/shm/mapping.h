// Mapping of an open file by Boost.Interprocess. Move-only; unmaps itself. Never throws.
#ifndef SHMCONF_SHM_MAPPING_H_
#define SHMCONF_SHM_MAPPING_H_

#include <cstddef>
#include <memory>
#include <span>

#include "env/env.h"
#include "shmconf/result.h"

namespace shmconf::shm {

enum class Access : std::uint8_t { kReadOnly, kReadWrite };

class Mapping {
 public:
  Mapping();
  Mapping(Mapping&&) noexcept;
  Mapping& operator=(Mapping&&) noexcept;
  ~Mapping();

  // Maps the first bytes of fd, shared with every other process, so that huge pages of the file are whole ones
  // of the map; fd may be closed afterwards.
  // Requires that the file has that size. Errors: kNoSpace, kSystem.
  static Result<Mapping> map(env::Env& env, int fd, std::size_t bytes, Access access);

  [[nodiscard]] bool mapped() const noexcept;
  [[nodiscard]] std::span<std::byte> bytes() noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;
  // From now on a store through this mapping is a fault.
  void make_read_only() noexcept;
  // Keeps the first bytes, which must be mapped.
  void shrink(std::size_t bytes) noexcept;
  // Exchanges the file for zeroed private memory, in the same place. False: no memory for that.
  bool leave_file() noexcept;
  void reset() noexcept;

 private:
  struct Region;
  std::unique_ptr<Region> region_;
};

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_MAPPING_H_
