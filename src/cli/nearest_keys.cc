#include "cli/nearest_keys.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>
#include <utility>

#include "cli/console.h"

namespace shmconf::cli {
namespace {

constexpr std::size_t kNamedKeys = 3;
// A key is near when about a quarter of it is wrong at most.
constexpr std::size_t kBytesPerEdit = 4;
// Longer ones are compared by their ends and case only: edits cost time with the square of the size.
constexpr std::size_t kLongestForEdits = 512;

bool same_but_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// How far a candidate is from what was asked for, 0 is nearest; nothing when it is too far.
std::optional<std::size_t> rank_of(std::string_view candidate, std::string_view asked, std::size_t limit) {
  if (asked.size() > candidate.size() + 1 && !candidate.empty() && asked.ends_with(candidate) &&
      asked[asked.size() - candidate.size() - 1] == '/') {
    return 0;
  }
  if (same_but_case(candidate, asked)) return 1;
  if (asked.size() > kLongestForEdits) return std::nullopt;
  const std::size_t edits = edit_distance(candidate, asked, limit);
  if (edits > limit) return std::nullopt;
  return 1 + edits;
}

std::string joined(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "'" : ", '") + escaped(key) + "'";
  return text;
}

std::size_t count_below(const Snapshot& snapshot, const std::string& folder) {
  std::size_t count = 0;
  Entries below = snapshot.prefix(folder);
  for ([[maybe_unused]] const Entry& entry : below) ++count;
  return count;
}

// For "document#/pointer": what is wrong with the part behind the '#'. Nothing when there is no such
// document, which is then the thing to tell.
std::optional<std::string> absent_pointer_text(const Snapshot& snapshot, std::string_view key) {
  const std::size_t mark = key.find("#/");
  if (mark == std::string_view::npos) return std::nullopt;
  const auto document = snapshot.entry(key.substr(0, mark));
  if (!document) return std::nullopt;
  const std::string name = escaped(key.substr(0, mark));
  if (document->kind() != format::Kind::kDocument) {
    return "no key '" + escaped(key) + "': '" + name +
           "' is there, but is no JSON object or array that was opened up (64 levels deep at most)";
  }
  const auto near = nearest_keys(snapshot, key, Listing::kPointers, kNamedKeys);
  if (!near.empty()) return "no key '" + escaped(key) + "'; the nearest: " + joined(near);
  return "no key '" + escaped(key) + "': see `shmconf list --expanded '" + name + "#/'`";
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return std::min(row.back(), limit + 1);
}

std::vector<std::string> nearest_keys(const Snapshot& snapshot, std::string_view key, Listing listing,
                                      std::size_t count) {
  const std::size_t limit = 1 + std::min(key.size(), kLongestForEdits) / kBytesPerEdit;
  using Ranked = std::pair<std::size_t, std::string>;
  std::vector<Ranked> best;  // sorted; the keys come in order, so equal ranks stay in it
  Entries all = snapshot.prefix("", listing);
  for (const Entry& entry : all) {
    // Nothing further than the worst that is kept can get in.
    const std::size_t near_enough = best.size() == count ? std::min(limit, best.back().first) : limit;
    const auto rank = rank_of(entry.key, key, near_enough);
    if (!rank) continue;
    const auto is_better = [](std::size_t value, const Ranked& other) { return value < other.first; };
    const auto behind = std::upper_bound(best.begin(), best.end(), *rank, is_better);
    if (best.size() == count && behind == best.end()) continue;
    best.emplace(behind, *rank, std::string(entry.key));
    if (best.size() > count) best.pop_back();
  }
  std::vector<std::string> keys;
  for (Ranked& ranked : best) keys.push_back(std::move(ranked.second));
  return keys;
}

std::string absent_text(const Snapshot& snapshot, std::string_view key) {
  const std::string start = "no key '" + escaped(key) + "'";
  if (snapshot.key_count() == 0) return start + ": the configuration is empty";
  if (auto text = absent_pointer_text(snapshot, key)) return *text;
  const std::string folder = std::string(key) + (key.ends_with('/') ? "" : "/");
  if (const std::size_t below = count_below(snapshot, folder); below != 0) {
    return start + ", but " + counted(below, "key") + " below it: see `shmconf list '" + escaped(folder) +
           "'`";
  }
  const auto near = nearest_keys(snapshot, key, Listing::kKeys, kNamedKeys);
  if (!near.empty()) return start + "; the nearest: " + joined(near);
  return start + " among " + counted(snapshot.key_count(), "key") + ": see `shmconf list`";
}

}  // namespace shmconf::cli
