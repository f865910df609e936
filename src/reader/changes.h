// Changes: the change callbacks of one reader, and what each was told last.
//
// Belongs to the reader's thread. Holds, for each callback, the snapshot that it was told last.
#ifndef SHMCONF_READER_CHANGES_H_
#define SHMCONF_READER_CHANGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shmconf/reader.h"

namespace shmconf::reader {

class Changes {
 public:
  // See Reader::on_change().
  std::uint64_t add(std::string_view key_or_prefix, ChangeCallback callback, Snapshot told);
  void remove(std::uint64_t id) noexcept;

  // Tells every callback what changed up to `now`. Does nothing when called from a callback.
  void deliver(const Snapshot& now);

 private:
  struct Subscription {
    std::uint64_t id;
    std::string key;
    bool is_prefix;
    ChangeCallback callback;
    Snapshot told;
    bool removed = false;
  };

  static void tell_key(Subscription& subscription, const Snapshot& before, const Snapshot& after);
  static void tell_prefix(Subscription& subscription, const Snapshot& before, const Snapshot& after);

  std::vector<std::shared_ptr<Subscription>> subscriptions_;
  std::uint64_t last_id_ = 0;
  bool delivering_ = false;
};

}  // namespace shmconf::reader

#endif  // SHMCONF_READER_CHANGES_H_
