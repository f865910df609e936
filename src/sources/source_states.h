// SourceStates: what is held of each source: its last answer, and what of it is published.
//
// Asks nobody and decides nothing. Not thread-safe.
#ifndef SHMCONF_SOURCES_SOURCE_STATES_H_
#define SHMCONF_SOURCES_SOURCE_STATES_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "consul/kv.h"
#include "consul/query.h"
#include "sources/overlay.h"
#include "sources/vanished.h"

namespace shmconf::sources {

class SourceStates {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit SourceStates(std::size_t sources) : states_(sources) {}

  [[nodiscard]] std::size_t size() const noexcept { return states_.size(); }
  // Of one source. The pairs live until it is stored anew, published alone or forgotten.
  [[nodiscard]] Pairs pairs(std::size_t source) const noexcept { return states_[source].list.pairs(); }
  [[nodiscard]] std::uint64_t index(std::size_t source) const noexcept { return states_[source].index; }
  [[nodiscard]] bool empty(std::size_t source) const noexcept { return pairs(source).empty(); }
  // The newest that an answer had, held or published by whomever.
  [[nodiscard]] std::uint64_t newest_index(std::size_t source) const noexcept {
    return std::max(states_[source].index, states_[source].published_index);
  }

  // Of all, in their order.
  [[nodiscard]] std::vector<Pairs> pairs() const;
  [[nodiscard]] std::vector<std::uint64_t> indexes() const;
  [[nodiscard]] std::vector<SourceKeys> keys() const;

  // When the header of the first answer came that is held and has not been compared with what is published.
  [[nodiscard]] std::optional<Time> arrived() const noexcept { return arrived_; }
  void forget_arrival() noexcept { arrived_.reset(); }

  // Takes a source's answer. Requires answer.index.
  void store(std::size_t source, consul::Answer answer);
  // The source is what it was, at another index.
  void move_index(std::size_t source, std::uint64_t index) noexcept { states_[source].index = index; }

  // All that is held is published now. Of a single source, gives its memory.
  void mark_published();
  // What was held is not what is published any more.
  void forget_published();
  // Those of the segment's configuration; none when it is not of these sources.
  void set_published_indexes(std::span<const std::uint64_t> indexes);
  // Gives the memory of the answers; the indexes stay.
  void forget();

 private:
  struct State {
    consul::KvList list;
    std::uint64_t index = 0;
    std::uint64_t published_index = 0;         // of the segment's configuration, when it is of these sources
    bool published = false;                    // list is part of what is published
    std::optional<consul::KvList> superseded;  // what was, if list is newer and not published
  };

  std::vector<State> states_;
  std::optional<Time> arrived_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_SOURCE_STATES_H_
