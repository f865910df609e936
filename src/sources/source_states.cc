#include "sources/source_states.h"

#include <utility>

namespace shmconf::sources {

std::vector<Pairs> SourceStates::pairs() const {
  std::vector<Pairs> pairs;
  for (const State& state : states_) pairs.push_back(state.list.pairs());
  return pairs;
}

std::vector<std::uint64_t> SourceStates::indexes() const {
  std::vector<std::uint64_t> indexes;
  for (const State& state : states_) indexes.push_back(state.index);
  return indexes;
}

std::vector<SourceKeys> SourceStates::keys() const {
  std::vector<SourceKeys> keys(states_.size());
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const State& state = states_[i];
    keys[i].now = state.list.pairs();
    keys[i].known_before = state.published || state.superseded.has_value();
    if (keys[i].known_before) keys[i].before = state.published ? state.list.pairs() : state.superseded->pairs();
  }
  return keys;
}

void SourceStates::store(std::size_t source, consul::Answer answer) {
  if (!arrived_) arrived_ = answer.header_at;
  State& state = states_[source];
  if (state.published) {
    state.superseded = std::move(state.list);
    state.published = false;
  }
  state.list = std::move(answer.pairs);
  state.index = *answer.index;
}

void SourceStates::mark_published() {
  const bool only_one = states_.size() == 1;
  for (State& state : states_) {
    state.superseded.reset();
    state.published = !only_one;
    // With one source the segment itself tells what is held; with several it does not tell whose.
    if (only_one) state.list = consul::KvList();
  }
}

void SourceStates::forget_published() {
  for (State& state : states_) {
    state.published = false;
    state.superseded.reset();
  }
}

void SourceStates::set_published_indexes(std::span<const std::uint64_t> indexes) {
  for (std::size_t i = 0; i < states_.size(); ++i) states_[i].published_index = indexes.empty() ? 0 : indexes[i];
}

void SourceStates::forget() {
  forget_published();
  for (State& state : states_) state.list = consul::KvList();
}

}  // namespace shmconf::sources
