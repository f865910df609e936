'use strict';
// One worker of the cluster in processes.test.js: says what it reads, at first and at each change.

const shmconf = require(process.env.SHMCONF_NODE_PACKAGE);

const config = shmconf.open('web');
config.on('change', 'counter', (change) => process.send(change.new));
process.send(config.counter);
