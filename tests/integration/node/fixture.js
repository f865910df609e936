'use strict';
// What the tests of the Node package share: the package, places of their own, and waiting.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { Segment } = require('./segment.js');

const shmconf = require(process.env.SHMCONF_NODE_PACKAGE);

/** Runs use(root, disk): a root of segments on tmpfs, which the environment names, and a folder on disk. */
async function withRoot(use) {
  const root = fs.mkdtempSync('/dev/shm/shmconf-node-');
  const disk = fs.mkdtempSync(path.join(os.tmpdir(), 'shmconf-node-'));
  const before = process.env.SHMCONF_DIR;
  process.env.SHMCONF_DIR = root;
  try {
    return await use(root, disk);
  } finally {
    if (before === undefined) delete process.env.SHMCONF_DIR;
    else process.env.SHMCONF_DIR = before;
    for (const folder of [root, disk]) fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs use({config, publish, segment, root}) on the service "web", with these values at first. */
function withWeb(values, use, options = {}) {
  return withRoot(async (root, disk) => {
    const segment = await Segment.attach(root, 'web');
    await segment.publish(values);
    const config = shmconf.open('web', options);
    try {
      return await use({ config, publish: (next, flags) => segment.publish(next, flags), segment, root, disk });
    } finally {
      config.close();
      await segment.end();
    }
  });
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until the condition holds, for as long as a loaded machine may take. */
async function eventually(condition, what = condition.toString(), milliseconds = 60_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    assert.ok(Date.now() < end, `not in time: ${what}`);
    await pause(5);
  }
}

/** How many threads of this process wait for changes. */
function threadsThatWait() {
  return fs.readdirSync('/proc/self/task').filter((id) => {
    try {
      return fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'shmconf-changes\n';
    } catch {
      return false; // it has ended
    }
  }).length;
}

module.exports = { eventually, pause, shmconf, threadsThatWait, withRoot, withWeb };
