#include "extension/status.h"

#include "extension/values.h"

namespace shmconf::python {
namespace {

PyObject* seconds_or_none(std::int64_t nanoseconds) {
  if (nanoseconds < 0) Py_RETURN_NONE;
  return PyFloat_FromDouble(static_cast<double>(nanoseconds) * 1e-9);
}

// N: takes the reference over, and hands an exception on.
PyObject* role_of(const shmconf_role& role) {
  return Py_BuildValue("{s:N,s:N,s:N,s:K,s:K,s:K,s:K,s:N}",                       //
                       "alive", PyBool_FromLong(role.alive),                      //
                       "contact_age", seconds_or_none(role.contact_age_ns),       //
                       "failing_for", seconds_or_none(role.failing_for_ns),       //
                       "failures", static_cast<unsigned long long>(role.failures),  //
                       "queries", static_cast<unsigned long long>(role.queries),    //
                       "publishes", static_cast<unsigned long long>(role.publishes),  //
                       "starts", static_cast<unsigned long long>(role.starts),      //
                       "last_error", text_or_bytes(role.last_error));
}

}  // namespace

PyObject* status_of(Source& source) {
  if (source.reader() == nullptr) {
    const GenerationHandle held = source.current();
    return held ? Py_BuildValue("{s:K}", "generation", static_cast<unsigned long long>(held->number)) : nullptr;
  }
  shmconf_status status{};
  status.size = sizeof status;
  const shmconf_code code = shmconf_get_status(source.reader(), &status);
  if (code != SHMCONF_OK) return raise_error(source.state(), code, shmconf_last_error());
  return Py_BuildValue(
      "{s:s,s:s,s:N,s:K,s:K,s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:N,s:N}",          //
      "verdict", shmconf_verdict_name(status.verdict),                        //
      "source", shmconf_origin_name(status.origin),                           //
      "age", seconds_or_none(status.contact_age_ns),                          //
      "generation", static_cast<unsigned long long>(status.generation),       //
      "key_count", static_cast<unsigned long long>(status.key_count),         //
      "published", seconds_or_none(status.published_wall_ns),                 //
      "read", seconds_or_none(status.read_wall_ns),                           //
      "from_file", PyBool_FromLong(status.from_file),                         //
      "directory", PyUnicode_DecodeFSDefault(status.directory),               //
      "backup_file", PyUnicode_DecodeFSDefault(status.backup_file),           //
      "problem", text_or_bytes(status.problem),                               //
      "watch", role_of(status.roles[SHMCONF_ROLE_WATCH]),                     //
      "heartbeat", role_of(status.roles[SHMCONF_ROLE_HEARTBEAT]),             //
      "supervisor", role_of(status.roles[SHMCONF_ROLE_SUPERVISOR]));
}

}  // namespace shmconf::python
