// Settling: reads the sources until they stand still together, so that their answers are one state.
//
// Belongs to the thread that runs the io_context; one coroutine at a time calls it.
#ifndef SHMCONF_SOURCES_SETTLING_H_
#define SHMCONF_SOURCES_SETTLING_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <random>
#include <vector>

#include "consul/client.h"
#include "settings/settings.h"
#include "shmconf/result.h"
#include "sources/read_limits.h"
#include "sources/source_reader.h"
#include "sources/source_states.h"
#include "sources/stop.h"

namespace shmconf::sources {

class Settling {
 public:
  // All but the limits outlive it.
  Settling(const settings::Settings& settings, const ReadLimits& limits, const SourceStates& states,
           SourceReader& sources, Stop& stop);

  // Requires that every source was read. newest is the one that was read last, over lane; newest_is_last:
  // its answer is known to be younger than the others. Errors: as SourceReader's, Stop::error().
  boost::asio::awaitable<Result<void>> settle(consul::Client& lane, std::size_t newest, bool newest_is_last);
  // False: the last settle() gave up on sources that never rested; they may not be one state.
  [[nodiscard]] bool settled() const noexcept { return settled_; }

 private:
  using Consistency = settings::Consistency;
  // For each source the number of its read while settling; 0: it was read before.
  using ReadOrder = std::vector<unsigned>;

  [[nodiscard]] bool hold_together(const ReadOrder& order) const;
  [[nodiscard]] bool believe_empty() const;
  std::chrono::microseconds settle_pause();

  const settings::Settings& settings_;
  const ReadLimits limits_;
  const SourceStates& states_;
  SourceReader& sources_;
  Stop& stop_;
  std::minstd_rand random_;
  bool settled_ = true;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_SETTLING_H_
