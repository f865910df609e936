'use strict';
// A configuration as text, with its secrets masked, and as plain data.

const { inspect } = require('node:util');

const { placeOf } = require('./place.js');

// The words of `shmconf dump` (src/display/secrets.cc) and of the Python package.
const DEFAULT_SECRETS = ['password', 'passwd', 'passphrase', 'secret', 'token', 'credential', 'key'];

const MASK = '***';
const MOST_VALUES = 100;
const LONGEST_VALUE = 80;

/** Whether the name of a key, or of a folder above it, says that its value is one. */
function saysSecret(path, words) {
  const lowered = path.toLowerCase();
  return words.some((word) => lowered.includes(word));
}

/** A part of a configuration as objects, arrays and plain values of one's own.
 *
 * Of a part that follows the newest generation, the values may be of two; take a snapshot() where that
 * matters. */
function toObject(value) {
  if (Array.isArray(value)) return value.map(toObject);
  const place = placeOf.get(value);
  if (place === undefined) return value;
  return Object.fromEntries(place.names().map((name) => [name, toObject(place.value(name))]));
}

/** As toObject(), of the first hundred values, with secrets masked and long ones cut. */
class Masked {
  #left = MOST_VALUES;

  constructor(words) {
    this.words = words;
  }

  of(value, path) {
    const place = placeOf.get(value);
    if (place !== undefined) return this.#members(place, path);
    if (Array.isArray(value)) return this.#elements(value, path);
    --this.#left;
    if (saysSecret(path, this.words)) return MASK;
    if (typeof value !== 'string' || value.length <= LONGEST_VALUE) return value;
    return value.slice(0, LONGEST_VALUE) + '...';
  }

  #members(place, path) {
    const shown = {};
    for (const name of place.names()) {
      if (this.#left <= 0) {
        shown['...'] = '...';
        break;
      }
      const value = this.of(place.value(name), `${path}/${name}`);
      Object.defineProperty(shown, name, { value, configurable: true, enumerable: true });
    }
    return shown;
  }

  #elements(list, path) {
    const shown = [];
    for (const element of list) {
      if (this.#left <= 0) return [...shown, '...'];
      shown.push(this.of(element, path));
    }
    return shown;
  }
}

/** A value that was read at a path, fit to be shown. */
function masked(value, path, words) {
  return value === undefined ? undefined : new Masked(words).of(value, path);
}

/** What inspect() and console.log() show of a place. */
function describe(place, options) {
  const { kind } = place;
  try {
    return `${kind} ${inspect(masked(place.object, place.prefix, place.source.secrets), options)}`;
  } catch (error) {
    return `[${kind}: ${error.message}]`;
  }
}

module.exports = { DEFAULT_SECRETS, describe, masked, toObject };
