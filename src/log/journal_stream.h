// Whether a descriptor leads to systemd's journal: $JOURNAL_STREAM, as systemd.exec(5) describes it.
//
// Pure function; thread-safe.
#ifndef SHMCONF_LOG_JOURNAL_STREAM_H_
#define SHMCONF_LOG_JOURNAL_STREAM_H_

#include <string_view>

namespace shmconf::log {

// journal_stream is the variable's value, "<device>:<inode>". It is inherited by children whose output goes
// elsewhere, so the descriptor has to be that very file.
[[nodiscard]] bool is_journal_stream(std::string_view journal_stream, int fd);

}  // namespace shmconf::log

#endif  // SHMCONF_LOG_JOURNAL_STREAM_H_
