#include "unit/consul/asking.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace shmconf::consul {

namespace asio = boost::asio;

Result<Answer> ask(asio::io_context& io, Client& client, const Query& query) {
  std::optional<Result<Answer>> result;
  asio::co_spawn(
      io, [&]() -> asio::awaitable<void> { result.emplace(co_await client.query(query)); },
      [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  io.restart();
  io.run();
  return std::move(result).value();
}

Query prefix_query(std::string path) {
  Query query;
  query.source = {settings::Source::Kind::kPrefix, std::move(path)};
  return query;
}

Query blocking_query(std::uint64_t index, std::chrono::milliseconds wait) {
  Query query = prefix_query();
  query.index = index;
  query.wait = wait;
  return query;
}

std::string error_text(const Result<Answer>& answer) { return answer ? "" : answer.error().text; }

}  // namespace shmconf::consul
