'use strict';
// JSON documents, as parsed: plain values, and what lies at a path inside of them.

/** Whether a value has names below it; lists, buffers and the like are values. */
function isFolder(value) {
  if (typeof value !== 'object' || value === null) return false;
  // Another realm, as those that some test runners make, has another Object.prototype.
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a document holds at a path below it. The names of its fields may hold '/', so the path is taken
 * apart in every way; each field is visited at most once, since one way leads to it. */
function descend(document, path) {
  if (!isFolder(document)) return undefined;
  for (let end = path.length; end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 1)) {
    const name = path.slice(0, end);
    if (!Object.hasOwn(document, name)) continue;
    const found = end === path.length ? document[name] : descend(document[name], path.slice(end + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Undefined: JSON.parse refuses what the publisher's parser took. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

module.exports = { descend, isFolder, parse };
