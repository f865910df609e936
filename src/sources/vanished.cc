#include "sources/vanished.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace shmconf::sources {
namespace {

using settings::Source;

// A suspect without its name spelled out: there may be as many as there are keys.
struct Lead {
  std::string_view key;
  std::size_t source = 0;
};

bool same(const Entry& entry, const shm::Item& item) {
  return entry.modify_index() == item.modify_index && entry.create_index() == item.create_index &&
         entry.flags() == item.flags && entry.value == item.value;
}

std::string_view directory_of(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash + 1);
}

class Search {
 public:
  Search(std::span<const Source> sources, std::span<const SourceKeys> keys) : sources_(sources), keys_(keys) {}

  // No source has the key any more.
  void missing(std::string_view key) {
    const std::size_t before = leads_.size();
    collect(key, 0, true);
    // Nobody is known to have had it: then everybody is asked.
    if (leads_.size() == before) collect(key, 0, false);
  }

  // The key's value is another one: it may be a lower source's, which shows since a higher one's is gone.
  void changed(std::string_view key) {
    std::size_t winner = sources_.size();
    while (winner > 0 && !holds(sources_[winner - 1], keys_[winner - 1].now, key)) --winner;
    collect(key, winner, true);
  }

  [[nodiscard]] const std::vector<Lead>& leads() const { return leads_; }

 private:
  void collect(std::string_view key, std::size_t from, bool trust_before) {
    for (std::size_t i = from; i < sources_.size(); ++i) {
      const Source& source = sources_[i];
      if (source.kind == Source::Kind::kKey && source.path != key) continue;
      const SourceKeys& its = keys_[i];
      if (trust_before && its.known_before && !holds(source, its.before, key)) continue;
      leads_.push_back({key, i});
    }
  }

  std::span<const Source> sources_;
  std::span<const SourceKeys> keys_;
  std::vector<Lead> leads_;
};

// Positions of at most `most` leads: of each directory the first, then others, evenly spread.
std::vector<std::size_t> sample(const std::vector<Lead>& leads, std::size_t most) {
  std::vector<std::size_t> firsts;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < leads.size(); ++i) {
    const bool first = i == 0 || leads[i].source != leads[i - 1].source ||
                       directory_of(leads[i].key) != directory_of(leads[i - 1].key);
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

}  // namespace

Suspects find_vanished(const SnapshotView& published, std::span<const Source> sources,
                       std::span<const SourceKeys> keys, std::span<const shm::Item> merged, std::size_t most_asked) {
  Search search(sources, keys);
  auto walk = published.walk();
  Entry entry;
  std::size_t at = 0;
  while (walk.next(entry)) {
    while (at < merged.size() && merged[at].key < entry.key) ++at;
    if (at == merged.size() || merged[at].key != entry.key) {
      search.missing(entry.key);
    } else if (sources.size() > 1 && !same(entry, merged[at])) {
      search.changed(entry.key);
    }
  }
  const auto& leads = search.leads();
  Suspects suspects;
  suspects.total = leads.size();
  for (const std::size_t i : sample(leads, most_asked)) {
    auto name = name_in(sources[leads[i].source], leads[i].key);
    if (name) suspects.asked.push_back({std::move(*name), leads[i].source});
  }
  return suspects;
}

}  // namespace shmconf::sources
