// StateReader: all sources read from Consul as one state, proven, merged and published.
//
// "Running on the wrong configuration is the only thing worse than being down": an answer becomes
// the configuration only when the sources stood still together while they were read, when every key
// that it lacks is known to be deleted and not merely hidden, and when Consul has not just gone back
// in time. Until then what is published stays.
//
// Belongs to the thread that runs the io_context; one coroutine at a time calls it. Holds the last
// answer of each source where there are several; with one source only while it is being published.
#ifndef SHMCONF_SOURCES_STATE_READER_H_
#define SHMCONF_SOURCES_STATE_READER_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backup/store.h"
#include "consul/client.h"
#include "settings/settings.h"
#include "shm/content.h"
#include "shmconf/result.h"
#include "sources/deletion_proof.h"
#include "sources/examiner.h"
#include "sources/publication.h"
#include "sources/publish_target.h"
#include "sources/read_limits.h"
#include "sources/settling.h"
#include "sources/source_reader.h"
#include "sources/source_states.h"
#include "sources/stop.h"

namespace shmconf::sources {

class StateReader {
 public:
  struct Events {
    std::function<void()> answered;                   // Consul gave a good answer
    std::function<void(const std::string&)> waiting;  // publishing waits, and why
  };

  // backup, if not null, outlives this object: where nothing is published yet, it tells whether Consul
  // has gone back in time.
  StateReader(boost::asio::io_context& io, const settings::Settings& settings, Events events,
              ReadLimits limits = ReadLimits(), backup::Store* backup = nullptr);
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  // For each source the connection that it is read on; they may be the same.
  using Lanes = std::vector<consul::Client*>;

  // Reads everything as one state and publishes it; again when another process was faster, at most
  // `attempts` times (kMoved then: the other one keeps the segment supplied). Errors: kDenied, what
  // the client's queries and Publisher::publish() give; the segment is as it was.
  boost::asio::awaitable<Result<Published>> synchronize(Lanes lanes, PublishTarget& target, int attempts);

  // Takes what a blocking query for a source brought, or reads the source again where its index says
  // so. False: it is what is held already, explained by a read in between; nothing is to be published.
  boost::asio::awaitable<Result<bool>> take(std::size_t source, consul::Client& lane, Polled polled) {
    return sources_.take(source, lane, std::move(polled));
  }
  // Publishes after take(). Requires that nothing failed since the last synchronize(). newest is the
  // source that was taken last, alone or as one of several; its lane serves for everything. kMoved:
  // synchronize().
  boost::asio::awaitable<Result<Published>> publish_taken(Lanes lanes, std::size_t newest, bool alone,
                                                          PublishTarget& target);

  // Gives the memory of what is held back, for one who reads everything anew next time.
  void forget();
  // What the next blocking query for a source asks with; 0: it may not block.
  [[nodiscard]] std::uint64_t index(std::size_t source) const { return states_.index(source); }
  // Ends a wait in progress; every call then fails soon. The clients are closed by their owner.
  void stop() { stop_.request(); }

 private:
  boost::asio::awaitable<Result<Published>> publish(const Lanes& lanes, std::size_t newest, PublishTarget& target);
  boost::asio::awaitable<Result<void>> read_all(const Lanes& lanes);
  boost::asio::awaitable<Result<void>> wait_and_read_again(const Lanes& lanes, PublishTarget& target);
  // Nothing: the target was overtaken, and what is published may be newer than the content.
  [[nodiscard]] Result<std::optional<Evidence>> examine(PublishTarget& target, const shm::Content& content);
  Result<Published> show(PublishTarget& target, shm::Content& content, Evidence evidence);

  const settings::Settings settings_;
  const ReadLimits limits_;
  const std::function<void(const std::string&)> waiting_;
  Stop stop_;
  SourceStates states_;
  SourceReader sources_;
  Settling settling_;
  Examiner examiner_;
  DeletionProof proof_;
  Publication publication_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_STATE_READER_H_
