#include "sources/settling.h"

#include <algorithm>
#include <cstdint>

#include "consul/backoff.h"

namespace shmconf::sources {

namespace asio = boost::asio;
using consul::Client;

Settling::Settling(const settings::Settings& settings, const ReadLimits& limits, const SourceStates& states,
                   SourceReader& sources, Stop& stop)
    : settings_(settings),
      limits_(limits),
      states_(states),
      sources_(sources),
      stop_(stop),
      random_(static_cast<std::minstd_rand::result_type>(consul::process_seed())) {}

// The newest answer is one state of its source. All sources make one state with it when none of the
// others has moved between its own answer and a moment after the newest one. Of several answers that
// came on connections of their own, nobody knows which one the server made last: then all are asked. A
// stale answer may be of any time.
asio::awaitable<Result<void>> Settling::settle(Client& lane, std::size_t newest, bool newest_is_last) {
  settled_ = true;
  if (states_.size() == 1) co_return Result<void>();
  newest_is_last = newest_is_last && settings_.consul.consistency != Consistency::kStale;
  const auto give_up = std::chrono::steady_clock::now() + limits_.settle_for;
  ReadOrder order(states_.size(), 0);
  unsigned reads = 0;
  bool went_back = false;
  bool only_if_moved = true;
  for (int round = 0;; ++round) {
    if (round >= limits_.settle_rounds) {
      if (std::chrono::steady_clock::now() >= give_up) break;
      co_await stop_.pause(settle_pause());
    }
    const std::size_t newest_before = newest;
    bool moved = false;
    bool filled = false;
    for (std::size_t step = newest_is_last ? 1 : 0; step < states_.size(); ++step) {
      const std::size_t other = (newest_before + step) % states_.size();
      const std::uint64_t index_before = states_.index(other);
      auto seen = co_await sources_.reread(only_if_moved, other, lane);
      if (!seen) co_return std::move(seen).error();
      if (stop_.requested()) co_return Stop::error();
      if (*seen == Reread::kUnmoved) continue;
      order[other] = ++reads;
      // A restored archive takes indexes back: then they tell no order.
      went_back |= states_.index(other) < index_before;
      if (!went_back && hold_together(order)) co_return Result<void>();
      if (*seen == Reread::kStillEmpty && round > 0 && believe_empty()) continue;
      moved = true;
      filled |= *seen == Reread::kMoved;
      newest = other;
    }
    if (!moved) co_return Result<void>();
    newest_is_last = true;
    // What has moved once has most likely moved again under a writer that never rests.
    only_if_moved = !filled;
  }
  settled_ = false;
  co_return Result<void>();
}

// Each answer is the state of its source from its index on until the moment of the answer. Of reads
// that followed one another, all are therefore one state, at the index of the oldest, when none of the
// others has a newer index than that one. The index of an empty source is no older than what it has been
// since, which is why it must be the one of the very read that has its place in the order.
bool Settling::hold_together(const ReadOrder& order) const {
  const auto oldest = std::min_element(order.begin(), order.end()) - order.begin();
  // Those read before settling began have no order among them.
  if (std::count(order.begin(), order.end(), 0U) > 1) return false;
  const std::uint64_t index = states_.index(static_cast<std::size_t>(oldest));
  return std::ranges::all_of(states_.indexes(), [&](std::uint64_t its) { return its <= index; });
}

// Never the same, so as not to fall into a writer's rhythm.
std::chrono::microseconds Settling::settle_pause() {
  return std::chrono::microseconds(std::uniform_int_distribution<int>(200, 4'000)(random_));
}

// Between two answers that a source is empty it may have had keys, and the index of what is not there
// moves with writes elsewhere. So an empty source is read last, and all the others are asked after it.
// Several such sources cannot all be the last: then what is empty once more counts as never filled.
bool Settling::believe_empty() const {
  return std::ranges::count_if(states_.pairs(), [](Pairs pairs) { return pairs.empty(); }) > 1;
}

}  // namespace shmconf::sources
