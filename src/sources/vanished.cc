#include "sources/vanished.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace shmconf::sources {
namespace {

using settings::Source;

bool same(const Entry& entry, const shm::Item& item) {
  return entry.modify_index() == item.modify_index && entry.create_index() == item.create_index &&
         entry.flags() == item.flags && entry.value == item.value;
}

std::string_view directory_of(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash + 1);
}

}  // namespace

void Vanished::see(const Entry* before, const shm::Item* now) {
  if (before == nullptr) return;
  if (now == nullptr) {
    missing(before->key);
  } else if (sources_.size() > 1 && !same(*before, *now)) {
    changed(before->key);
  }
}

// No source has the key any more.
void Vanished::missing(std::string_view key) {
  const std::size_t before = leads_.size();
  collect(key, 0, true);
  // Nobody is known to have had it: then everybody is asked.
  if (leads_.size() == before) collect(key, 0, false);
}

// The key's value is another one: it may be a lower source's, which shows since a higher one's is gone.
void Vanished::changed(std::string_view key) {
  std::size_t winner = sources_.size();
  while (winner > 0 && !holds(sources_[winner - 1], keys_[winner - 1].now, key)) --winner;
  collect(key, winner, true);
}

void Vanished::collect(std::string_view key, std::size_t from, bool trust_before) {
  for (std::size_t i = from; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    if (source.kind == Source::Kind::kKey && source.path != key) continue;
    const SourceKeys& its = keys_[i];
    if (trust_before && its.known_before && !holds(source, its.before, key)) continue;
    leads_.push_back({key, i});
  }
}

Suspects Vanished::suspects(std::size_t most_asked) const {
  Suspects suspects;
  suspects.total = leads_.size();
  for (const std::size_t i : sample(most_asked)) {
    auto name = name_in(sources_[leads_[i].source], leads_[i].key);
    if (name) suspects.asked.push_back({std::move(*name), leads_[i].source});
  }
  return suspects;
}

// Positions of at most `most` leads: of each directory the first, then others, evenly spread.
std::vector<std::size_t> Vanished::sample(std::size_t most) const {
  std::vector<std::size_t> firsts;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < leads_.size(); ++i) {
    const bool first = i == 0 || leads_[i].source != leads_[i - 1].source ||
                       directory_of(leads_[i].key) != directory_of(leads_[i - 1].key);
    (first ? firsts : others).push_back(i);
  }
  std::vector<std::size_t> chosen;
  const auto spread = [&](const std::vector<std::size_t>& from, std::size_t count) {
    count = std::min(count, from.size());
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(from[i * from.size() / count]);
  };
  spread(firsts, most);
  spread(others, most - chosen.size());
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace shmconf::sources
