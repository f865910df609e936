// What is hidden where a tool prints many values at once: those whose name says that they are secret.
//
// Pure functions; thread-safe. The rule and its words are those of the Python and the Node package
// (_display.py, display.js); a test compares them.
#ifndef SHMCONF_DISPLAY_SECRETS_H_
#define SHMCONF_DISPLAY_SECRETS_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shmconf::display {

// No base64, so that what reads a masked value as such stumbles over it.
inline constexpr std::string_view kMask = "***";

// In small letters.
std::span<const std::string_view> default_secret_words();

class SecretWords {
 public:
  // The default ones and these.
  explicit SecretWords(const std::vector<std::string>& more = {});

  // Whether a key, or a folder above it, is named so that its value is a secret: it holds one of the
  // words, in capital letters or small ones.
  [[nodiscard]] bool in(std::string_view path) const;

  // The value of this key as it may be shown, if anything of it has to be hidden: kMask, or for a
  // JSON document the document, written anew, with kMask for every leaf whose path is a secret's. What looks
  // like a document but cannot be read as one is hidden whole where it holds one of the words.
  [[nodiscard]] std::optional<std::string> masked(std::string_view key, std::string_view value) const;

 private:
  std::vector<std::string> words_;
};

}  // namespace shmconf::display

#endif  // SHMCONF_DISPLAY_SECRETS_H_
