#include "http/view.h"

#include <utility>

namespace shmconf::http {

bool Seen::sidecar_lives() const {
  if (!status || status->from_file) return false;
  return status->role(format::Role::kWatch).alive || status->role(format::Role::kHeartbeat).alive;
}

const char* Seen::verdict() const { return readable() ? verdict_name(status->verdict) : "none"; }

View::View(std::string name, OpenOptions where) : name_(std::move(name)), where_(std::move(where)) {}

Seen View::look() {
  Seen seen;
  if (!reader_) {
    auto opened = Reader::open(name_, where_);
    if (opened) {
      reader_.emplace(std::move(*opened));
    } else {
      seen.problem = opened.error().text;
    }
  }
  if (reader_) {
    seen.status = reader_->status();
    seen.snapshot = reader_->snapshot();
    return seen;
  }
  if (auto page = Reader::sidecar_status(name_, where_)) seen.status = std::move(*page);
  return seen;
}

}  // namespace shmconf::http
