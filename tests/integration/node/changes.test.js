'use strict';
// on('change'), changes() and wait().

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');

const { Segment } = require('./segment.js');
const { eventually, pause, shmconf, threadsThatWait, withRoot, withWeb } = require('./fixture.js');

const plain = ({ key, old, new: now }) => [key, old, now];

/** The list that grows with what a listener is told. */
function following(config, path) {
  const told = [];
  const listener = (change) => told.push(plain(change));
  path === undefined ? config.on('change', listener) : config.on('change', path, listener);
  return { told, listener };
}

test('old and new values', () =>
  withWeb({ 'redis/host': 'a', 'redis/port': '1', other: 'x' }, async ({ config, publish }) => {
    const { told } = following(config, 'redis');
    await publish({ 'redis/host': 'b', 'redis/db': '0', other: 'y' });
    await eventually(() => told.length === 3);
    assert.deepEqual(told, [['redis/db', undefined, '0'], ['redis/host', 'a', 'b'], ['redis/port', '1', undefined]]);
  }));

test('a key, a folder and everything', () =>
  withWeb({ a: '1', 'a/b': '1', ab: '1' }, async ({ config, publish }) => {
    const [key, folder, everything] = ['a', 'a/b/', undefined].map((path) => following(config, path).told);
    await publish({ a: '2', 'a/b': '2', ab: '2' });
    await eventually(() => everything.length === 3);
    assert.deepEqual([key.map(([name]) => name), folder], [['a', 'a/b'], [['a/b', '1', '2']]]);
  }));

test('flags are a change', () =>
  withWeb({ a: '1' }, async ({ config, publish }) => {
    const { told } = following(config, 'a');
    await publish({ a: '1' }, 5);
    await eventually(() => told.length > 0);
    assert.deepEqual(told, [['a', '1', '1']]);
  }));

test('inside a document', () =>
  withWeb({ doc: { a: { b: 1 }, c: 1 } }, async ({ config, publish }) => {
    const inner = [];
    const whole = [];
    config.on('change', 'doc/a', (change) => inner.push(change)).on('change', 'doc', (change) => whole.push(change));
    await publish({ doc: { a: { b: 1 }, c: 2 } });
    await eventually(() => whole.length === 1);
    await publish({ doc: { a: { b: 2 }, c: 2 } });
    await eventually(() => whole.length === 2 && inner.length === 1);
    assert.deepEqual([inner[0].key, inner[0].old.b, inner[0].new.b], ['doc/a', 1, 2]);
    assert.deepEqual([whole[0].old.c, whole[0].new.c, whole[0].old.a.b], [1, 2, 1]);
  }));

test('those that were taken off or closed are told nothing more', () =>
  withWeb({ a: '1' }, async ({ config, publish }) => {
    const off = following(config, 'a');
    const kept = following(config, 'a');
    config.off('change', off.listener);
    await publish({ a: '2' });
    await eventually(() => kept.told.length === 1);
    config.close();
    await publish({ a: '3' });
    await pause(50);
    assert.deepEqual([off.told.length, kept.told.length], [0, 1]);
    assert.throws(() => config.on('change', () => {}), /was closed/);
  }));

test('what listeners may be', () =>
  withWeb({ a: '1' }, ({ config }) => {
    assert.throws(() => config.on('chance', () => {}), /there is one event, 'change', not 'chance'/);
    assert.throws(() => config.on('change', 'a'), /a listener is a function/);
    assert.equal(config.on('change', () => {}), config);
    assert.equal(config.off('change', () => {}), config);
  }));

test('an exception of a listener is an uncaught exception, and the others are told', () =>
  withWeb({ a: '1' }, async ({ config, publish }) => {
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const caught = new Promise((resolve) => process.once('uncaughtException', resolve));
    try {
      config.on('change', () => {
        throw new Error('of a listener');
      });
      const { told } = following(config);
      await publish({ a: '2' });
      assert.equal((await caught).message, 'of a listener');
      await eventually(() => told.length === 1);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  }));

test('a listener may use the configuration, and its listeners', () =>
  withWeb({ a: '1', b: '1' }, async ({ config, publish }) => {
    const told = [];
    const once = () => {
      told.push(config.b);
      config.off('change', once).on('change', 'b', (change) => told.push(change.new));
    };
    config.on('change', 'a', once);
    await publish({ a: '2', b: '2' });
    await eventually(() => told.length === 1);
    await publish({ a: '3', b: '3' });
    await eventually(() => told.length === 2);
    assert.deepEqual(told, ['2', '3']);
  }));

test('the newest state arrives, however fast it changes', () =>
  withWeb({ counter: '0' }, async ({ config, segment }) => {
    const { told } = following(config, 'counter');
    const iterated = [];
    const iterating = (async () => {
      for await (const change of config.changes('counter')) {
        iterated.push(plain(change));
        if (change.new === '2000') return;
      }
    })();
    await segment.step(2000);
    await iterating;
    await eventually(() => told.at(-1)?.[2] === '2000');
    for (const list of [told, iterated]) {
      list.slice(1).forEach(([, old], i) => assert.equal(old, list[i][2], 'each begins where the last ended'));
    }
  }));

test('for await: none is lost from its making on', () =>
  withWeb({ 'redis/host': 'a', 'redis/port': '1' }, async ({ config, publish }) => {
    const changes = config.changes('redis');
    await publish({ 'redis/host': 'b', 'redis/port': '2' });
    const seen = [];
    for await (const change of changes) {
      seen.push(plain(change));
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, [['redis/host', 'a', 'b'], ['redis/port', '1', '2']]);
    assert.deepEqual(await changes.next(), { done: true, value: undefined });
  }));

test('an iterator that is waiting ends by return(), and with its configuration', () =>
  withWeb({ a: '1' }, async ({ config, publish }) => {
    const first = config.changes();
    const pending = [first.next(), first.next()];
    await first.return();
    assert.deepEqual((await Promise.all(pending)).map(({ done }) => done), [true, true]);
    const second = config.changes();
    const waiting = second.next();
    await publish({ a: '2' });
    assert.deepEqual(plain((await waiting).value), ['a', '1', '2']);
    const last = second.next();
    config.close();
    assert.equal((await last).done, true);
  }));

test('wait', () =>
  withWeb({ a: '1' }, async ({ config, publish }) => {
    assert.deepEqual([await config.wait(0), await config.wait(30)], [false, false]);
    const waiting = config.wait();
    await publish({ a: '2' });
    assert.deepEqual([await waiting, config.a], [true, '2']);
    assert.equal(await config.wait(0), false);
    await publish({ a: '3' });
    assert.equal(config.a, '3');
    assert.equal(await config.wait(0), true, 'reading does not use up a change');
    const closed = config.wait();
    config.close();
    await assert.rejects(closed, /was closed/);
  }));

test('the event loop goes on while it waits', () =>
  withWeb({ a: '1' }, async ({ config }) => {
    let turns = 0;
    const timer = setInterval(() => ++turns, 1);
    assert.equal(await config.wait(300), false);
    clearInterval(timer);
    assert.ok(turns > 20, `${turns} turns`);
  }));

test('a change is told soon', () =>
  withWeb({ counter: '0' }, async ({ config, segment }) => {
    const delays = [];
    for (let i = 0; i < 20; ++i) {
      const waiting = config.wait().then(() => performance.now());
      await pause(5);
      const before = performance.now();
      await segment.step();
      delays.push((await waiting) - before);
    }
    // The median, since others run here too; without a wake-up it would be the length of a slice.
    assert.ok(delays.sort((a, b) => a - b)[10] < 100, delays.join());
  }));

test('one thread for each open configuration, however many listen', () =>
  withWeb({ a: '1' }, async ({ config }) => {
    const other = shmconf.open('web');
    for (let i = 0; i < 20; ++i) config.on('change', `a${i}`, () => {});
    await eventually(() => threadsThatWait() === 2);
    other.close();
    await eventually(() => threadsThatWait() === 1);
    config.close();
    await eventually(() => threadsThatWait() === 0);
  }));

test('names that come and go are seen without a read', () =>
  withWeb({ a: '1', 'b/c': '1' }, async ({ config, publish }) => {
    const { b } = config;
    await publish({ d: '1', 'b/e': '1' });
    await eventually(() => !('a' in config));
    assert.deepEqual([Object.keys(config), 'a' in config, Object.keys(b)], [['b', 'd'], false, ['e']]);
    await publish({ a: '1' });
    await eventually(() => Object.keys(config).length === 1);
    assert.deepEqual([Object.keys(config), Object.keys(b), 'b' in config], [['a'], [], false]);
  }));

test('a listener is told though nobody holds the configuration', () =>
  withWeb({ a: '1' }, async ({ publish }) => {
    const told = [];
    shmconf.open('web').on('change', (change) => told.push(change.new));
    for (let i = 0; i < 5; ++i) {
      global.gc();
      await pause(1);
    }
    await publish({ a: '2' });
    await eventually(() => told.length === 1);
  }));

test('listeners of a segment that comes later', () =>
  withRoot(async (root, disk) => {
    let segment = await Segment.attach(root, 'web');
    await segment.publish({ a: '1' });
    const backup = `${disk}/web.snapshot`;
    fs.copyFileSync(segment.snapshotFile(), backup);
    fs.chmodSync(backup, 0o600);
    await segment.remove();
    await segment.end();
    const config = shmconf.open('web', { backup });
    assert.ok(config.status.fromFile);
    const { told } = following(config);
    segment = await Segment.attach(root, 'web');
    await segment.publish({ a: '2' });
    await eventually(() => told.length === 1);
    assert.deepEqual([told[0], config.a, config.status.fromFile], [['a', '1', '2'], '2', false]);
    config.close();
    await segment.end();
  }));
