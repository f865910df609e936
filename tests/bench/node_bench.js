'use strict';
// Reading a configuration in Node against reading plain objects, in one run. Asserts nothing.
//
//   node tests/bench/node_bench.js BUILD-FOLDER      for example: node tests/bench/node_bench.js build/test

const path = require('node:path');

const build = path.resolve(process.argv[2] ?? 'build/test');
process.env.SHMCONF_SEGMENT_PUBLISHER ??= path.join(build, 'tests/shmconf_segment_publisher');
process.env.SHMCONF_NODE_PACKAGE ??= path.join(build, 'node');
const { shmconf, withRoot } = require('../integration/node/fixture.js');
const { Segment } = require('../integration/node/segment.js');

const READS = 5_000_000;
const ROUNDS = 9;

const nanoseconds = (since) => Number(process.hrtime.bigint() - since);
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

/** read(target, i) is compiled for this measure alone. The target comes out of an array and i goes into
 * the sum, so that nothing of a read can be moved out of the loop or be left out. */
function time(body, target, reads = READS) {
  const loop = new Function('targets', 'reads', `
    let sum = 0;
    for (let i = 0; i < reads; ++i) { const target = targets[i & 1]; sum = (sum + (${body}).length ^ i) | 0; }
    return sum; // ${Math.random()}`);
  const targets = [target, target];
  loop(targets, reads / 10);
  loop(targets, reads / 10);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const since = process.hrtime.bigint();
    loop(targets, reads);
    return nanoseconds(since) / reads;
  });
  return median(rounds);
}

function row(what, ours, peer, theirs) {
  const ratio = theirs === undefined ? '' : `${peer} ${theirs.toFixed(2).padStart(6)} ns   ratio ${(ours / theirs).toFixed(2)}`;
  console.log(`${what.padEnd(44)} ${ours.toFixed(2).padStart(8)} ns   ${ratio}`);
}

const values = { 'redis/host': '127.0.0.1', 'redis/port': '6379', 'demo-config': { redis_config: { host: 'x' } } };
const plain = { redis: { host: '127.0.0.1', port: '6379' }, 'demo-config': { redis_config: { host: 'x' } } };
const flat = new Map([['redis/host', '127.0.0.1'], ['redis/port', '6379']]);

async function reads(segment) {
  await segment.publish(values);
  const config = shmconf.open('web');
  row('config.redis.host', time('target.redis.host', config), 'plain object', time('target.redis.host', plain));
  row("config['demo-config'].redis_config.host", time("target['demo-config'].redis_config.host", config),
    'plain object', time("target['demo-config'].redis_config.host", plain));
  row('redis.host, with redis kept', time('target.host', config.redis), 'plain object', time('target.host', plain.redis));
  row("config['redis/host']", time("target['redis/host']", config, READS / 10), 'Map.get', time("target.get('redis/host')", flat));
  row("config.get('redis/host')", time("target.get('redis/host')", config, READS / 10), 'Map.get', time("target.get('redis/host')", flat));
  for (let i = 0; i < 40; ++i) await segment.publish({ ...values, [`folder${i}/name`]: 'x', [`redis/key${i}`]: 'x' });
  row('config.redis.host, after 40 changed shapes', time('target.redis.host', config), 'plain object', time('target.redis.host', plain));
  const held = config.snapshot();
  row('snapshot.redis.host', time('target.redis.host', held), 'plain object', time('target.redis.host', plain));
  config.close();
}

/** What the first read after a change costs. */
async function changes(segment, keys, folders) {
  const many = { 'redis/host': 'x', counter: '0' };
  for (let i = 0; i < keys; ++i) many[folders > 0 ? `folder${i % folders}/key${i}` : `key${i}`] = 'x'.repeat(50);
  await segment.publish(many);
  const config = shmconf.open('web');
  let since = process.hrtime.bigint();
  const first = config.redis.host;
  const opened = nanoseconds(since);
  const rounds = [];
  for (let i = 0; i < 50; ++i) {
    const before = segment.generation();
    const step = segment.step();
    while (segment.generation() === before); // without a turn of the event loop, which would read ahead
    since = process.hrtime.bigint();
    if (config.redis.host !== first) throw new Error('a wrong value');
    rounds.push(nanoseconds(since));
    await step;
  }
  const where = folders > 0 ? `${keys} keys in ${folders} folders` : `${keys} keys in one folder`;
  console.log(`first read after a change, ${where}: ${(median(rounds) / 1e6).toFixed(3)} ms (after opening: ${(opened / 1e6).toFixed(2)} ms)`);
  config.close();
}

withRoot(async (root) => {
  console.log(`Node ${process.version}, ${READS} reads, median of ${ROUNDS}`);
  const segment = await Segment.attach(root, 'web');
  await reads(segment);
  await changes(segment, 10_000, 100);
  await changes(segment, 10_000, 0);
  await segment.end();
});
