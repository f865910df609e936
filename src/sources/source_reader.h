// SourceReader: reads one source from Consul, and stores only an answer that can be believed to be its
// state: of a server that has a leader, not of the past, with no other source's keys, and empty only
// where the token may read the source.
//
// Belongs to the thread that runs the io_context; one coroutine at a time calls it. Errors of all: what
// the client's queries give, kDenied, and kUnavailable for an answer that is not believed; the source is
// then as it was, but for an empty answer that was stored before the token's right to read it was asked for.
#ifndef SHMCONF_SOURCES_SOURCE_READER_H_
#define SHMCONF_SOURCES_SOURCE_READER_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "consul/client.h"
#include "settings/settings.h"
#include "shmconf/result.h"
#include "sources/source_states.h"

namespace shmconf::sources {

// The answer to one blocking query.
struct Polled {
  std::uint64_t asked = 0;
  std::chrono::milliseconds elapsed{0};
  bool fresh_connection = false;  // the query opened a connection: its index may be another server's
  Result<consul::Answer> answer;
};

// What reading a source once more showed.
enum class Reread : std::uint8_t {
  kUnmoved,     // it has been the same all the time
  kStillEmpty,  // it is empty as it was, at another index: nobody knows what was there in between
  kMoved,
};

class SourceReader {
 public:
  using Consistency = settings::Consistency;

  // Both outlive it. Calls answered at each good answer.
  SourceReader(const settings::Settings& settings, SourceStates& states, std::function<void()> answered)
      : settings_(settings), states_(states), answered_(std::move(answered)) {}

  boost::asio::awaitable<Result<void>> read(std::size_t source, consul::Client& lane, Consistency consistency);
  // Reads it once more; or asks first whether its index has moved, which costs less where it has not.
  boost::asio::awaitable<Result<Reread>> reread(bool only_if_moved, std::size_t source, consul::Client& lane);
  // Takes what a blocking query brought, or reads the source again where its index says so. False: it is
  // what is held already, explained by a read in between.
  boost::asio::awaitable<Result<bool>> take(std::size_t source, consul::Client& lane, Polled polled);

 private:
  boost::asio::awaitable<Result<Reread>> reread_if_moved(std::size_t source, consul::Client& lane);
  boost::asio::awaitable<Result<Reread>> reread_moved(std::size_t source, consul::Client& lane);
  boost::asio::awaitable<Result<void>> prove_readable(std::size_t source, consul::Client& lane);
  Result<void> check(const consul::Answer& answer, const settings::Source& source) const;

  const settings::Settings& settings_;
  SourceStates& states_;
  const std::function<void()> answered_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_SOURCE_READER_H_
