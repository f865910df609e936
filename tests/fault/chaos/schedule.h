// The faults of one round: which, when and for how long. A pure function of the random numbers.
#ifndef SHMCONF_TESTS_FAULT_CHAOS_SCHEDULE_H_
#define SHMCONF_TESTS_FAULT_CHAOS_SCHEDULE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fault/chaos/random.h"

namespace shmconf::chaos {

inline constexpr std::size_t kServers = 3;
inline constexpr std::size_t kReaders = 3;

enum class Kind : std::uint8_t {
  kKillServer,         // SIGKILL; started again at the end
  kStopServer,         // SIGTERM; likewise
  kFreezeServer,       // SIGSTOP; SIGCONT at the end
  kKillAgent,
  kFreezeAgent,
  kKillWatch,          // the supervisor starts it again
  kFreezeWatch,
  kStutterWatch,       // SIGSTOP and SIGCONT, in turns of milliseconds
  kKillHeartbeat,
  kFreezeHeartbeat,
  kStutterHeartbeat,
  kKillSupervisor,     // its children end with it; started again at the end
  kStopSupervisor,
  kFreezeSupervisor,
  kKillReader,         // started again at the end
  kFreezeReader,
  kFillSegment,        // the tmpfs has no byte left; freed at the end
  kFillBackup,
  kMoveClock,          // the sidecar's wall clock, there and then back by as much
  kRemoveSegment,      // the whole directory, under everyone
  kArchive,            // Consul's state is saved,
  kRestore,            // and all of Consul goes back to it
  kCount,
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kCount);

// "kill server", ...
const char* name_of(Kind kind);

struct Fault {
  Kind kind{};
  std::size_t target = 0;              // which server or reader
  std::chrono::milliseconds begin{0};  // since the round began
  std::chrono::milliseconds length{0};
  std::chrono::seconds shift{0};       // of the clock
  std::uint64_t seed = 0;              // of what is random inside the fault

  [[nodiscard]] std::chrono::milliseconds end() const { return begin + length; }
};

// In the order of their beginnings; none that needs the same part overlap.
std::vector<Fault> make_round(Random& random);

// "freeze server 2 for 3100 ms".
std::string describe(const Fault& fault);

}  // namespace shmconf::chaos

#endif  // SHMCONF_TESTS_FAULT_CHAOS_SCHEDULE_H_
