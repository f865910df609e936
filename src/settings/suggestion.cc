#include "settings/suggestion.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <vector>

namespace shmconf::settings {
namespace {

// A dash for an underscore, or a capital, is no edit: those are habits of other programs.
char folded(char c) {
  if (c == '-') return '_';
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Restricted Damerau-Levenshtein distance over three rolling rows.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1;
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost});
      const bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                           folded(a[i - 2]) == folded(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongest = 64;  // bounds the work on hostile input
  if (word.size() > kLongest) return {};
  std::string_view best;
  std::size_t fewest = 0;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edits(word, candidate);
    if (best.empty() || distance < fewest) {
      best = candidate;
      fewest = distance;
    }
  }
  // Up to a third of the word may differ; more would be a guess.
  return fewest <= std::max<std::size_t>(1, word.size() / 3) ? best : std::string_view{};
}

}  // namespace shmconf::settings
