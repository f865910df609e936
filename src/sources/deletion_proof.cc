#include "sources/deletion_proof.h"

#include <utility>

#include "consul/status_text.h"
#include "sources/strong_consistency.h"

namespace shmconf::sources {
namespace {

namespace asio = boost::asio;
using consul::Client;
using consul::Query;
using settings::Source;

constexpr unsigned kFound = 200;
constexpr unsigned kNotFound = 404;

}  // namespace

asio::awaitable<Result<Proof>> DeletionProof::prove(const Suspects& suspects, Client& lane) {
  for (const Suspect& suspect : suspects.asked) {
    auto proof = co_await ask(suspect, lane);
    if (!proof || *proof == Proof::kThere) co_return proof;
    if (stop_.requested()) co_return Stop::error();
  }
  co_return Proof::kGone;
}

asio::awaitable<Result<Proof>> DeletionProof::ask(const Suspect& suspect, Client& lane) {
  Query query;
  query.source = Source{.kind = Source::Kind::kKey, .path = suspect.name};
  query.consistency = strong(settings_.consul.consistency);
  auto answer = co_await lane.query(query);
  if (!answer) co_return std::move(answer).error();
  Source asked = query.source;
  if (answer->status == 301 || answer->status == 400) {
    // A transaction can store keys (with "//" or control characters) that no URL reaches. Their
    // prefix has to do.
    asked = settings_.sources[suspect.source];
    query.source.path = asked.path;
    answer = co_await lane.query(query);
    if (!answer) co_return std::move(answer).error();
    if (answer->status == kFound) co_return Proof::kGone;
  }
  if (auto error = consul::status_error(*answer, asked, consul::Asked::kKeyBelow)) {
    if (error->code == ErrorCode::kDenied) {
      error->text += "; a published key is hidden without it, so the last good configuration stays";
    }
    co_return std::move(*error);
  }
  co_return answer->status == kNotFound ? Proof::kGone : Proof::kThere;
}

}  // namespace shmconf::sources
