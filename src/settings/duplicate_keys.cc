#include "settings/duplicate_keys.h"

#include <utility>

namespace shmconf::settings {

std::string child_path(std::string_view path, std::string_view step) {
  std::string out(path);
  out += '/';
  for (const char c : step) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

void DuplicateKeys::begin_object() { begin(false); }
void DuplicateKeys::begin_array() { begin(true); }

void DuplicateKeys::begin(bool array) {
  if (frames_.size() == kDeepest) {
    ++ignored_;
    return;
  }
  Frame frame;
  frame.array = array;
  if (!frames_.empty()) {
    const Frame& top = frames_.back();
    frame.path = child_path(top.path, top.array ? std::to_string(top.index) : top.key);
  }
  frames_.push_back(std::move(frame));
}

void DuplicateKeys::end() {
  if (ignored_ != 0) {
    --ignored_;
    return;
  }
  if (!frames_.empty()) frames_.pop_back();
  value();
}

void DuplicateKeys::key(const std::string& name) {
  if (ignored_ != 0) return;
  Frame& top = frames_.back();
  top.key = name;
  if (!top.seen.insert(name).second) found_.push_back(child_path(top.path, name));
}

void DuplicateKeys::value() {
  if (ignored_ != 0) return;
  if (!frames_.empty() && frames_.back().array) ++frames_.back().index;
}

}  // namespace shmconf::settings
