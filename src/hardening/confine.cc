#include "hardening/confine.h"

#include <sys/prctl.h>

#include <cerrno>
#include <utility>

#include "env/env.h"
#include "hardening/capabilities.h"
#include "hardening/core_dumps.h"
#include "hardening/system_calls.h"

namespace shmconf::hardening {
namespace {

void note_refusal(const Result<void>& done, std::vector<Note>& notes) {
  if (!done) notes.push_back({Note::Kind::kRefused, done.error().text});
}

Result<void> take_no_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) return {};
  return env::system_error(errno, "set", "PR_SET_NO_NEW_PRIVS");
}

}  // namespace

std::vector<Note> confine(const Needs& needs) {
  set_core_dumps(CoreDumps::kForbidden);
  // The filter comes last: it denies the calls that the others make.
  std::vector<Note> notes = give_up_capabilities(needs);
  note_refusal(take_no_new_privileges(), notes);
  note_refusal(restrict_system_calls(needs.accepts), notes);
  return notes;
}

}  // namespace shmconf::hardening
