'use strict';
// Snapshots, and memory over many generations.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');

const { shmconf, withWeb } = require('./fixture.js');

test('a snapshot stays at its generation', () =>
  withWeb({ 'a/x': '1', 'a/y': '1', doc: { n: 1 } }, async ({ config, publish }) => {
    const held = config.snapshot();
    const { a } = held;
    await publish({ 'a/x': '2', 'a/z': '2', doc: { n: 2 } });
    assert.equal(config.a.x, '2');
    assert.deepEqual([held.a.x, a.y, held['a/y'], held.doc.n, Object.keys(a)], ['1', '1', '1', 1, ['x', 'y']]);
    config.close();
    assert.deepEqual([held.a.x, shmconf.toObject(held)], ['1', { a: { x: '1', y: '1' }, doc: { n: 1 } }]);
  }));

test('a snapshot outlives many generations', () =>
  withWeb({ counter: '0' }, async ({ config, segment }) => {
    const held = config.snapshot();
    for (let i = 0; i < 20; ++i) {
      await segment.step();
      assert.equal(config.counter, String(i + 1));
    }
    assert.equal(held.counter, '0');
  }));

test('values of a snapshot belong together', () =>
  withWeb({ counter: '0', 'same/a': '0' }, async ({ config, publish }) => {
    let running = true;
    const publishing = (async () => {
      for (let n = 1; running; ++n) await publish({ counter: String(n), 'same/a': String(n), 'same/b': String(n) });
    })();
    const seen = new Set();
    while (seen.size < 50) {
      const held = config.snapshot();
      const { counter } = held;
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([held.same.a, held.get('same/b', '0'), held['same/a']], [counter, counter, counter]);
      seen.add(counter);
    }
    running = false;
    await publishing;
  }));

const residentBytes = () => Number(fs.readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) * 4096;
const mapsOfSnapshots = () => fs.readFileSync('/proc/self/maps', 'utf8').split('/snapshot.').length - 1;

/** {heap, resident} in bytes: the least of several full collections. */
async function settledBytes() {
  const seen = [];
  for (let i = 0; i < 8; ++i) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen.push({ heap: process.memoryUsage().heapUsed, resident: residentBytes() });
  }
  const least = (name) => Math.min(...seen.map((bytes) => bytes[name]));
  return { heap: least('heap'), resident: least('resident') };
}

test('generations that nobody holds are let go at once', () =>
  withWeb({ counter: '0' }, async ({ config, segment }) => {
    config.on('change', () => {});
    const before = mapsOfSnapshots();
    for (let i = 1; i <= 200; ++i) {
      await segment.step();
      assert.equal(config.counter, String(i));
    }
    assert.ok(mapsOfSnapshots() < before + 10, `${before} -> ${mapsOfSnapshots()} maps`);
  }));

test('memory stays flat over ten million reads of ten thousand generations', async () => {
  const values = { counter: '0', doc: { a: { b: [1, { c: 2 }] } } };
  for (let i = 0; i < 200; ++i) values[`group${i % 10}/key${i}`] = 'x'.repeat(50);
  await withWeb(values, async ({ config, segment }) => {
    let told = 0;
    config.on('change', 'counter', () => ++told);
    const readGenerations = async (count) => {
      for (let i = 0; i < count; ++i) {
        await segment.step();
        let length = 0;
        for (let j = 0; j < 333; ++j) {
          length += config.group3.key33.length + config['group3/key33'].length + config.counter.length;
        }
        assert.ok(length >= 333 * 101);
        assert.deepEqual([config.doc.a.b[1].c, Object.keys(config).length, config.get('none')], [2, 12, undefined]);
        assert.equal(config.snapshot().counter, config.counter);
      }
    };
    await readGenerations(5000); // V8 takes room for the young for a while
    const before = await settledBytes();
    await readGenerations(5000);
    const after = await settledBytes();
    assert.equal(config.counter, '10000');
    assert.ok(told > 100);
    // An object of 100 bytes lost with each generation would be 500 kB; what is lost beside V8's heap shows
    // in resident memory, which moves by megabytes of its own accord.
    assert.ok(after.heap - before.heap < 400_000, `heap: ${before.heap} -> ${after.heap} bytes`);
    assert.ok(after.resident - before.resident < 6_000_000, `resident: ${before.resident} -> ${after.resident} bytes`);
    assert.ok(mapsOfSnapshots() < 100, `${mapsOfSnapshots()} maps`);
  });
});
