#include "shm/draft.h"

#include <fcntl.h>

#include <utility>

#include "shm/group_access.h"

namespace shmconf::shm {

Draft::Draft(Draft&& other) noexcept { *this = std::move(other); }

Draft& Draft::operator=(Draft&& other) noexcept {
  if (this == &other) return *this;
  discard();
  env_ = std::exchange(other.env_, nullptr);
  directory_ = other.directory_;
  name_ = std::move(other.name_);
  id_ = other.id_;
  file_ = std::move(other.file_);
  map_ = std::move(other.map_);
  return *this;
}

Draft::~Draft() { discard(); }

void Draft::discard() noexcept {
  map_.reset();
  if (env_ != nullptr) static_cast<void>(std::exchange(env_, nullptr)->unlink_at(directory_, name_));
}

Result<Draft> Draft::make(env::Env& env, int directory, format::Role role, std::uint64_t id,
                          std::optional<gid_t> group, std::uint64_t bytes) {
  const mode_t mode = group ? 0640 : 0600;
  Draft draft;
  draft.name_ = format::draft_name(role, id);
  draft.id_ = id;
  draft.directory_ = directory;
  auto file = env.open_at(directory, draft.name_, O_RDWR | O_CREAT | O_EXCL, mode);
  if (!file) return draft.without_id(file.error());
  draft.env_ = &env;
  draft.file_ = std::move(*file);
  if (auto given = give_to_group(env, draft.file_.get(), group, mode); !given) return given.error();
  if (auto sized = env.allocate(draft.file_.get(), bytes); !sized) return sized.error();
  auto map = Mapping::map(env, draft.file_.get(), bytes, Access::kReadWrite);
  if (!map) return map.error();
  draft.map_ = std::move(*map);
  return draft;
}

Result<void> Draft::shrink(std::uint64_t bytes) {
  if (bytes == map_.bytes().size()) return {};
  if (auto cut = env_->truncate(file_.get(), bytes); !cut) return cut;
  map_.shrink(bytes);
  return {};
}

Result<void> Draft::publish_as(const std::string& name) {
  auto renamed = env_->rename_at(directory_, name_, name);
  if (!renamed) return without_id(renamed.error());
  env_ = nullptr;
  return {};
}

// The id is another one at each attempt, and the log folds only what is said again.
Error Draft::without_id(Error error) const {
  const auto at = error.text.find(name_);
  if (at != std::string::npos) error.text.replace(at, name_.size(), "the next snapshot");
  return error;
}

}  // namespace shmconf::shm
