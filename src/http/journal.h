// Journal: follows the generations from a thread of its own, and tells of each what changed with it.
//
// The callback runs on that thread. The destructor waits for it, which takes up to a second, since a
// waiting reader looks up that often.
#ifndef SHMCONF_HTTP_JOURNAL_H_
#define SHMCONF_HTTP_JOURNAL_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "http/shown.h"
#include "shmconf/reader.h"

namespace shmconf::http {

class Journal {
 public:
  using Tell = std::function<void(Met)>;

  // The first one told is the generation that is there.
  Journal(std::string name, OpenOptions where, Shown shown, Tell tell);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

 private:
  void run();
  void follow(Reader& reader);
  bool pause();
  [[nodiscard]] bool ending();

  const std::string name_;
  const OpenOptions where_;
  const Shown shown_;
  const Tell tell_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace shmconf::http

#endif  // SHMCONF_HTTP_JOURNAL_H_
