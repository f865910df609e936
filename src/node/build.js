'use strict';
// npm's install script: builds the addon from source with the system's compiler, for the Node that runs
// this. Asks no network for anything.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const source = path.resolve(__dirname, '../..');
const tree = path.join(__dirname, 'build');

function fail(text) {
  process.stderr.write(`shmconf: ${text}\n`);
  process.exit(1);
}

function run(command, words) {
  const { error, status } = spawnSync(command, words, { stdio: 'inherit' });
  if (error?.code === 'ENOENT') fail(`${command} is missing: apt-get install cmake g++ make`);
  if (error || status !== 0) fail(`'${command} ${words.join(' ')}' failed: see above`);
}

if (!fs.existsSync(path.join(source, 'include/shmconf/c.h'))) {
  fail(`the sources of the reader are not in ${source}: install this package from its place in a clone`);
}
run('cmake', [
  '-S', source, '-B', tree, '-DCMAKE_BUILD_TYPE=Release', `-DSHMCONF_NODE=${process.execPath}`,
  '-DSHMCONF_BUILD_NODE=ON', '-DSHMCONF_BUILD_PYTHON=OFF', '-DSHMCONF_BUILD_SIDECAR=OFF', '-DSHMCONF_BUILD_TESTS=OFF',
]);
run('cmake', ['--build', tree, '--target', 'node_reader', '--parallel', '2']);
