'use strict';
// The addon. Nobody outside of this package may get hold of what it hands out.
//
// open(name, directory, backup, verify, denyBackup, privateCopy), openBackup(file): a Reader.
// launch(name, directory, backup, settings, binary, flags): a promise of one.
//
// Reader: follows a segment.
//   take()      a Snapshot of the newest generation; undefined: the same as the last time
//   page()      an ArrayBuffer over four bytes of shared memory, the low half of the number of the
//               newest generation, which a store would kill the process over; null: there is no
//               segment, or a private copy of it; undefined: the same as the last time
//   poll()      looks whether another segment has taken the place of this one
//   status()    see status.js
//   waiter(moved, after)  calls moved() from the event loop whenever the generation has moved on from
//               `after`, until stop(); keepAlive(boolean): whether that keeps the process alive
//   close()
//
// Snapshot: one generation.
//   generation()           its number, a BigInt
//   entry(key)             string, Buffer, number, boolean, null, {document: text}; undefined: no such key
//   hasBelow(prefix)       whether any key begins so
//   namesBelow(prefix)     the names up to the next '/'
//   fingerprintBelow(prefix)  a BigInt that is another one when those are others
//   changedKeys(path, after)  the keys at and below a path whose values differ in another Snapshot
//   isChanged(key, after)
//   free()

const fs = require('node:fs');
const path = require('node:path');

const { ShmconfError } = require('./error.js');

// Where CMake puts it in its tree; where `npm install` builds it.
const places = [path.join(__dirname, '../shmconf.node'), path.join(__dirname, '../build/node/shmconf.node')];

function load() {
  const file = places.find((place) => fs.existsSync(place));
  if (file === undefined) {
    throw new ShmconfError('SHMCONF_ABSENT', `shmconf is not built: there is no ${places.join(' and no ')}; run node build.js`);
  }
  const binding = require(file);
  binding.useError(ShmconfError);
  return binding;
}

module.exports = load();
