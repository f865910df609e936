'use strict';
// The existing key that a missing one was probably meant to be.

const { placeOf } = require('./place.js');

/** How many letters must be added, taken away or replaced to make one text the other. */
function editDistance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; ++i) {
    const next = [i];
    for (let j = 1; j <= other.length; ++j) {
      const replaced = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[other.length];
}

/** Comparing takes about 5 us a name. */
const MOST_NAMES = 10_000;
const LONGEST_NAME = 200;

/** The key whose name is most like the path, below the deepest part of it that exists; undefined where
 * there is nothing at all. */
function nearestKey(place, path) {
  const names = path.slice(0, LONGEST_NAME).split('/');
  let here = place;
  for (;;) {
    const below = names.length > 1 ? placeOf.get(here.value(names[0])) : undefined;
    if (below === undefined) break;
    here = below;
    names.shift();
  }
  let best;
  let least = Infinity;
  for (const name of here.names().slice(0, MOST_NAMES)) {
    const edits = editDistance(name.slice(0, LONGEST_NAME).toLowerCase(), names[0].toLowerCase());
    if (edits >= least) continue;
    least = edits;
    best = name;
  }
  return best === undefined ? undefined : here.prefix + best;
}

module.exports = { nearestKey };
