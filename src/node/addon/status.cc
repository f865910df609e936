#include "addon/status.h"

namespace shmconf::node {
namespace {

napi_value milliseconds(napi_env env, std::int64_t nanoseconds) noexcept {
  return nanoseconds < 0 ? null(env) : make_double(env, static_cast<double>(nanoseconds) * 1e-6);
}

napi_value count(napi_env env, std::uint64_t number) noexcept {
  return make_double(env, static_cast<double>(number));
}

napi_value make_role(napi_env env, const shmconf_role& role) noexcept {
  napi_value made = nullptr;
  napi_create_object(env, &made);
  set(env, made, "alive", make_bool(env, role.alive != 0));
  set(env, made, "contactAge", milliseconds(env, role.contact_age_ns));
  set(env, made, "failingFor", milliseconds(env, role.failing_for_ns));
  set(env, made, "failures", count(env, role.failures));
  set(env, made, "queries", count(env, role.queries));
  set(env, made, "publishes", count(env, role.publishes));
  set(env, made, "starts", count(env, role.starts));
  set(env, made, "lastError", make_text(env, role.last_error));
  return made;
}

}  // namespace

napi_value make_status(napi_env env, shmconf_reader* reader) noexcept {
  shmconf_status status{};
  status.size = sizeof status;
  const shmconf_code code = shmconf_get_status(reader, &status);
  if (code != SHMCONF_OK) return raise(env, code, shmconf_last_error());
  napi_value made = nullptr;
  napi_create_object(env, &made);
  set(env, made, "verdict", make_text(env, shmconf_verdict_name(status.verdict)));
  set(env, made, "source", make_text(env, shmconf_origin_name(status.origin)));
  set(env, made, "age", milliseconds(env, status.contact_age_ns));
  set(env, made, "generation", make_bigint(env, status.generation));
  set(env, made, "keyCount", count(env, status.key_count));
  set(env, made, "published", milliseconds(env, status.published_wall_ns));
  set(env, made, "read", milliseconds(env, status.read_wall_ns));
  set(env, made, "fromFile", make_bool(env, status.from_file != 0));
  set(env, made, "directory", make_text(env, status.directory));
  set(env, made, "backupFile", make_text(env, status.backup_file));
  set(env, made, "problem", make_text(env, status.problem));
  set(env, made, "watch", make_role(env, status.roles[SHMCONF_ROLE_WATCH]));
  set(env, made, "heartbeat", make_role(env, status.roles[SHMCONF_ROLE_HEARTBEAT]));
  set(env, made, "supervisor", make_role(env, status.roles[SHMCONF_ROLE_SUPERVISOR]));
  return made;
}

}  // namespace shmconf::node
