'use strict';
// The package as CommonJS; index.mjs is the same as an ES module.

const { Config, Node, Snapshot } = require('./lib/config.js');
const { ShmconfError } = require('./lib/error.js');
const { fromObject, launch, open, openBackup } = require('./lib/opening.js');
const { toObject } = require('./lib/display.js');
const { version } = require('./lib/binding.js');

module.exports = {
  Config,
  Node,
  ShmconfError,
  Snapshot,
  fromObject,
  launch,
  open,
  openBackup,
  toObject,
  version,
};
