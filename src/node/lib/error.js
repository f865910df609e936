'use strict';

/** What this package throws. code: 'SHMCONF_ABSENT' and the like, the names of the C ABI's codes. */
class ShmconfError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
Object.defineProperty(ShmconfError.prototype, 'name', { value: 'ShmconfError', configurable: true });

module.exports = { ShmconfError };
