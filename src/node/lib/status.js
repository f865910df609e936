'use strict';
// What is known of the configuration that is read and of the processes behind it.

const date = (milliseconds) => (milliseconds > 0 ? new Date(milliseconds) : null);

/** What fails now, in the words of the process that it fails for; '' while nothing does. */
function errorOf(told) {
  if (told.problem) return told.problem;
  for (const role of [told.watch, told.heartbeat]) {
    if (role?.alive && role.failingFor !== null) return role.lastError;
  }
  return '';
}

/** From what a source tells: frozen, with dates. */
function statusOf(told) {
  const status = { ...told, error: errorOf(told) };
  if ('published' in told) Object.assign(status, { published: date(told.published), read: date(told.read) });
  for (const role of ['watch', 'heartbeat', 'supervisor']) Object.freeze(status[role]);
  return Object.freeze(status);
}

module.exports = { statusOf };
