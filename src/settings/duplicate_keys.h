// DuplicateKeys: notices a key that stands twice in one JSON object, which a document tree no
// longer shows.
//
// Fed with a parser's events in order; not thread-safe.
#ifndef SHMCONF_SETTINGS_DUPLICATE_KEYS_H_
#define SHMCONF_SETTINGS_DUPLICATE_KEYS_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace shmconf::settings {

// The path with one more step, as JSON Pointer writes it.
std::string child_path(std::string_view path, std::string_view step);

class DuplicateKeys {
 public:
  void begin_object();
  void begin_array();
  void end();
  void key(const std::string& name);
  void value();

  // JSON paths, each once per repetition.
  [[nodiscard]] const std::vector<std::string>& found() const { return found_; }

 private:
  struct Frame {
    std::string path;
    bool array = false;
    std::size_t index = 0;
    std::string key;
    std::set<std::string> seen;
  };
  // No setting lies deeper, and each level holds its whole path.
  static constexpr std::size_t kDeepest = 16;

  void begin(bool array);

  std::vector<Frame> frames_;
  std::size_t ignored_ = 0;  // levels that were begun below the deepest
  std::vector<std::string> found_;
};

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_DUPLICATE_KEYS_H_
