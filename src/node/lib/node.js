'use strict';

const { inspect } = require('node:util');

const { ShmconfError } = require('./error.js');
const { describe } = require('./display.js');
const { nearestKey } = require('./nearest.js');
const { placeOf } = require('./place.js');

function place(object) {
  const found = placeOf.get(object);
  if (found === undefined) throw new TypeError('a configuration comes from launch(), open() or fromObject()');
  return found;
}

function checkPath(path) {
  if (typeof path !== 'string') throw new TypeError(`a key is a string, like 'redis/host', not ${inspect(path)}`);
}

/** One place of the configuration: what lies below it are its properties. */
class Node {
  constructor() {
    place(this);
  }

  /** The value at a path below this place; fallback where there is none. */
  get(path, fallback) {
    checkPath(path);
    const value = place(this).value(path);
    return value === undefined ? fallback : value;
  }

  /** As get(), but throws where there is none, naming the key that was probably meant. */
  require(path) {
    checkPath(path);
    const here = place(this);
    const value = here.value(path);
    if (value !== undefined) return value;
    const nearest = nearestKey(here, path);
    const hint = nearest === undefined ? '' : `; the nearest is '${nearest}'`;
    throw new ShmconfError('SHMCONF_ABSENT', `there is no key '${here.prefix}${path}'${hint}`);
  }

  [inspect.custom](depth, options) {
    return describe(place(this), options);
  }
}

module.exports = { Node, place };
