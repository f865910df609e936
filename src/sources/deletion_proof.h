// DeletionProof: asks Consul for missing keys by their own names, before they are believed deleted.
//
// Belongs to the thread that runs the io_context; one coroutine at a time calls it.
#ifndef SHMCONF_SOURCES_DELETION_PROOF_H_
#define SHMCONF_SOURCES_DELETION_PROOF_H_

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "consul/client.h"
#include "settings/settings.h"
#include "shmconf/result.h"
#include "sources/stop.h"
#include "sources/vanished.h"

namespace shmconf::sources {

enum class Proof : std::uint8_t {
  kGone,   // all of them are deleted
  kThere,  // one is not: the answer that lacks it is another state, or filtered
};

class DeletionProof {
 public:
  // Both outlive it.
  DeletionProof(const settings::Settings& settings, const Stop& stop) : settings_(settings), stop_(stop) {}

  // Errors: kDenied for a key that the token may not read; what the client's queries give; Stop::error().
  boost::asio::awaitable<Result<Proof>> prove(const Suspects& suspects, consul::Client& lane);

 private:
  boost::asio::awaitable<Result<Proof>> ask(const Suspect& suspect, consul::Client& lane);

  const settings::Settings& settings_;
  const Stop& stop_;
};

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_DELETION_PROOF_H_
