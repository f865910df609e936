#include "sources/source_reader.h"

#include <algorithm>
#include <utility>

#include "consul/status_text.h"
#include "sources/index_rule.h"
#include "sources/overlay.h"
#include "sources/strong_consistency.h"

namespace shmconf::sources {
namespace {

namespace asio = boost::asio;
using consul::Answer;
using consul::Client;
using consul::Query;
using settings::Source;

constexpr unsigned kNotFound = 404;

bool same_pairs(Pairs a, Pairs b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const consul::KvPair& x, const consul::KvPair& y) {
    return x.key == y.key && x.value == y.value && x.flags == y.flags && x.modify_index == y.modify_index &&
           x.create_index == y.create_index && x.lock_index == y.lock_index && x.session == y.session;
  });
}

}  // namespace

Result<void> SourceReader::check(const Answer& answer, const Source& source) const {
  if (auto error = consul::status_error(answer, source)) return std::move(*error);
  if (!answer.index) {
    return Error{ErrorCode::kUnavailable, "an answer for '" + source.path +
                                              "' has no X-Consul-Index: check that consul.address is Consul's own HTTP "
                                              "address"};
  }
  if (!answer.known_leader) {
    return Error{ErrorCode::kUnavailable, "Consul's servers have no leader (X-Consul-KnownLeader): its answer may be "
                                          "old and is not used"};
  }
  answered_();
  return {};
}

asio::awaitable<Result<void>> SourceReader::read(std::size_t source, Client& lane, Consistency consistency) {
  const Source& which = settings_.sources[source];
  Query query;
  query.source = which;
  query.consistency = consistency;
  auto answer = co_await lane.query(query);
  if (!answer) co_return std::move(answer).error();
  if (auto checked = check(*answer, which); !checked) co_return checked;
  if (consistency != Consistency::kConsistent && *answer->index < states_.newest_index(source)) {
    // Consul has gone back in time; or a follower lags, or a leader that was frozen or cut off does not
    // know yet that it is none. All of them say LastContact 0: only a leader that has asked the other
    // servers can tell.
    query.consistency = Consistency::kConsistent;
    answer = co_await lane.query(query);
    if (!answer) co_return std::move(answer).error();
    if (auto checked = check(*answer, which); !checked) co_return checked;
  }
  if (auto belongs = check_belongs(which, answer->pairs.pairs()); !belongs) co_return belongs;
  const bool empty = answer->pairs.pairs().empty();
  states_.store(source, std::move(*answer));
  if (!empty) co_return Result<void>();
  auto readable = co_await prove_readable(source, lane);
  co_return readable;
}

// Without the right to read a prefix, Consul's answer is that of an empty one. The GET of a key
// under it is refused then; the prefix itself is such a key, there or not.
asio::awaitable<Result<void>> SourceReader::prove_readable(std::size_t source, Client& lane) {
  const Source& which = settings_.sources[source];
  if (which.kind != Source::Kind::kPrefix) co_return Result<void>();
  Query query;
  query.source = Source{.kind = Source::Kind::kKey, .path = which.path};
  query.consistency = strong(settings_.consul.consistency);
  auto answer = co_await lane.query(query);
  if (!answer) co_return std::move(answer).error();
  if (auto error = consul::status_error(*answer, which, consul::Asked::kKeyBelow)) co_return std::move(*error);
  co_return Result<void>();
}

asio::awaitable<Result<Reread>> SourceReader::reread(bool only_if_moved, std::size_t source, Client& lane) {
  return only_if_moved ? reread_if_moved(source, lane) : reread_moved(source, lane);
}

asio::awaitable<Result<Reread>> SourceReader::reread_if_moved(std::size_t source, Client& lane) {
  const Source& which = settings_.sources[source];
  if (which.kind == Source::Kind::kPrefix) {
    const std::uint64_t index_before = states_.index(source);
    const bool empty_before = states_.empty(source);
    Query query;
    query.source = which;
    query.what = Query::What::kIndexOnly;
    query.consistency = strong(settings_.consul.consistency);
    auto answer = co_await lane.query(query);
    if (!answer) co_return std::move(answer).error();
    if (auto checked = check(*answer, which); !checked) co_return std::move(checked).error();
    if (*answer->index == index_before) co_return Reread::kUnmoved;
    // A lower one may be of a leader that is none any more: that is for read() to find out.
    if (answer->status == kNotFound && empty_before && *answer->index > index_before) {
      states_.move_index(source, *answer->index);
      co_return Reread::kStillEmpty;
    }
  }
  auto reread = co_await reread_moved(source, lane);
  co_return reread;
}

asio::awaitable<Result<Reread>> SourceReader::reread_moved(std::size_t source, Client& lane) {
  const std::uint64_t index_before = states_.index(source);
  const bool empty_before = states_.empty(source);
  auto done = co_await read(source, lane, strong(settings_.consul.consistency));
  if (!done) co_return std::move(done).error();
  if (states_.index(source) == index_before) co_return Reread::kUnmoved;
  co_return empty_before && states_.empty(source) ? Reread::kStillEmpty : Reread::kMoved;
}

asio::awaitable<Result<bool>> SourceReader::take(std::size_t source, Client& lane, Polled polled) {
  if (!polled.answer) co_return std::move(polled.answer).error();
  Answer& answer = *polled.answer;
  const Source& which = settings_.sources[source];
  if (auto checked = check(answer, which); !checked) co_return std::move(checked).error();
  const std::uint64_t held = states_.index(source);
  const std::uint64_t answered = *answer.index;
  const Pairs pairs = answer.pairs.pairs();
  if (answered == held && polled.asked != held && same_pairs(pairs, states_.pairs(source))) co_return false;
  const Poll poll{.asked = polled.asked,
                  .answered = answered,
                  .held = held,
                  .wait = settings_.consul.wait,
                  .elapsed = polled.elapsed};
  const bool usable = polled.asked == 0 ? answered >= held
                                        : !polled.fresh_connection && judge(poll) == IndexVerdict::kUse;
  if (!usable || pairs.empty()) {
    auto done = co_await read(source, lane, strong(settings_.consul.consistency));
    if (!done) co_return std::move(done).error();
    co_return true;
  }
  if (auto belongs = check_belongs(which, pairs); !belongs) co_return std::move(belongs).error();
  states_.store(source, std::move(answer));
  co_return true;
}

}  // namespace shmconf::sources
