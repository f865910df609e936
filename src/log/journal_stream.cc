#include "log/journal_stream.h"

#include <sys/stat.h>

#include <string>

namespace shmconf::log {

bool is_journal_stream(std::string_view journal_stream, int fd) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return false;
  return journal_stream == std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

}  // namespace shmconf::log
