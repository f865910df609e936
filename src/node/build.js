'use strict';
// npm's install script: builds the addon from source with the system's compiler, for the Node that runs
// this. Asks no network for anything.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

// npm 9 copies a package that is installed from its folder, and says where that is; other releases link to it.
const places = [__dirname, process.env.npm_package_resolved?.match(/^file:(.*)$/)?.[1]].filter(Boolean);
const sources = places.map((place) => path.resolve(process.env.npm_config_local_prefix ?? '', place, '../..'));
const source = sources.find((each) => fs.existsSync(path.join(each, 'include/shmconf/c.h')));
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

if (!source) {
  fail(`the sources of the reader are not in ${sources.join(' or ')}: install this package from its place in a clone`);
}
run('cmake', [
  '-S', source, '-B', tree, '-DCMAKE_BUILD_TYPE=Release', `-DSHMCONF_NODE=${process.execPath}`,
  '-DSHMCONF_BUILD_NODE=ON', '-DSHMCONF_BUILD_PYTHON=OFF', '-DSHMCONF_BUILD_SIDECAR=OFF', '-DSHMCONF_BUILD_TESTS=OFF',
]);
run('cmake', ['--build', tree, '--target', 'node_reader', '--parallel', '2']);
