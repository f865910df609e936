// Draft: the file of a snapshot that has no generation yet, mapped for writing. Removes itself unless
// it was published. Move-only; not thread-safe. Env and directory must outlive it.
#ifndef SHMCONF_SHM_DRAFT_H_
#define SHMCONF_SHM_DRAFT_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "env/env.h"
#include "shm/mapping.h"
#include "shmconf/format.h"
#include "shmconf/result.h"

namespace shmconf::shm {

class Draft {
 public:
  Draft() = default;
  Draft(Draft&& other) noexcept;
  Draft& operator=(Draft&& other) noexcept;
  ~Draft();

  // Makes format::draft_name(role, id) in directory, zeroed, with room for bytes, in huge pages as far as the
  // kernel gives some. Readable for the group, if there is one. Errors: kNoSpace, kDenied, kSystem.
  static Result<Draft> make(env::Env& env, int directory, format::Role role, std::uint64_t id,
                            std::optional<gid_t> group, std::uint64_t bytes);

  [[nodiscard]] bool made() const noexcept { return env_ != nullptr; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return map_.bytes(); }

  // Makes the file as long as this, and leaves the map, which must be as long at least. Error: kSystem.
  Result<void> set_length(std::uint64_t bytes);
  // The same for both. What lies behind goes back.
  Result<void> shrink(std::uint64_t bytes);

  // Renames the file; from then on it is no draft, and take_map() is all that is left to do.
  Result<void> publish_as(const std::string& name);
  [[nodiscard]] Mapping take_map() noexcept { return std::move(map_); }

 private:
  void use_huge_pages();
  void discard() noexcept;
  [[nodiscard]] Error without_id(Error error) const;

  env::Env* env_ = nullptr;  // null: there is no file
  int directory_ = -1;
  std::string name_;
  std::uint64_t id_ = 0;
  env::Fd file_;
  std::uint64_t length_ = 0;  // of the file
  Mapping map_;
};

}  // namespace shmconf::shm

#endif  // SHMCONF_SHM_DRAFT_H_
