'use strict';
// A segment that goes away, comes back, is damaged, or belongs to another version: a reader keeps what it
// has.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');

const { Segment } = require('./segment.js');
const { eventually, shmconf, withWeb } = require('./fixture.js');

const hasCode = (...codes) => (error) => error instanceof shmconf.ShmconfError && codes.includes(error.code);

/** Runs use(segment) with a new publisher of the same name. */
async function withSegment(root, values, use) {
  const segment = await Segment.attach(root, 'web');
  await segment.publish(values);
  await use(segment);
  await segment.end();
}

test('the directory is removed and made again', () =>
  withWeb({ a: '1' }, async ({ config, segment, root }) => {
    const told = [];
    config.on('change', 'a', (change) => told.push(change.new));
    fs.rmSync(segment.directory, { recursive: true });
    assert.equal(config.a, '1');
    assert.equal(await config.wait(0), false);
    assert.ok(config.status.generation > 0n);
    await withSegment(root, { a: '2' }, async () => {
      assert.equal(await config.wait(60_000), true);
      assert.equal(config.a, '2');
      await eventually(() => told.length === 1);
      assert.deepEqual(told, ['2']);
    });
  }));

test('the next segment may count to the same number', () =>
  withWeb({ a: '1', b: { c: 1 } }, async ({ config, segment, root }) => {
    const { b } = config;
    assert.deepEqual([config.a, b.c], ['1', 1]);
    fs.rmSync(segment.directory, { recursive: true });
    await withSegment(root, { a: '2', b: { c: 2 } }, async () => {
      assert.equal(config.status.generation & 0xffffffffn, 1n);
      assert.deepEqual([config.a, b.c], ['2', 2]);
    });
  }));

test('files are cut short under a private copy', () =>
  withWeb({ a: '1', b: { c: 1 } }, async ({ config, publish, segment, root }) => {
    const { b } = config;
    await publish({ a: '2', b: { c: 2 } });
    assert.equal(await config.wait(5_000), true);
    assert.deepEqual([config.a, b.c, config.status.error], ['2', 2, '']);
    fs.truncateSync(segment.snapshotFile(), 0);
    fs.truncateSync(segment.controlFile(), 0);
    assert.deepEqual([config.a, b.c, config.get('b').c], ['2', 2, 2]);
    assert.equal(await config.wait(0), false);
    assert.match(config.status.error, /restart the sidecar/);
    assert.equal(config.status.verdict, 'dead');
    fs.rmSync(segment.directory, { recursive: true });
    await withSegment(root, { a: '3', b: { c: 3 } }, async () => {
      await eventually(() => config.a === '3' && b.c === 3);
      assert.equal(config.status.error, '');
    });
  }, { privateCopy: true }));

test('the segment is retired and replaced', () =>
  withWeb({ a: '1' }, async ({ config, segment, root }) => {
    await segment.remove();
    assert.deepEqual([config.a, config.status.verdict], ['1', 'dead']);
    await withSegment(root, { a: '2' }, () => eventually(() => config.a === '2'));
  }));

test('the publisher is gone', () =>
  withWeb({ a: '1' }, async ({ config, segment }) => {
    await segment.end();
    assert.deepEqual([config.a, await config.wait(50), config.snapshot().a], ['1', false, '1']);
  }));

test('a snapshot of another version is not taken', () =>
  withWeb({ a: '1' }, async ({ config, segment, publish }) => {
    const newer = fs.readFileSync(segment.snapshotFile());
    newer.writeUInt32LE(2, 8);
    segment.publishBytes(newer);
    assert.deepEqual([config.a, config['a'], await config.wait(0)], ['1', '1', false]);
    await publish({ a: '2' });
    await eventually(() => config.a === '2');
  }));

test('a page of another version is refused with words', () =>
  withWeb({ a: '1' }, ({ config, segment }) => {
    segment.writeControl(Buffer.from([2, 0, 0, 0]), 8);
    assert.throws(() => shmconf.open('web', { allowBackup: false }), hasCode('SHMCONF_WRONG_VERSION'));
    assert.equal(config.a, '1');
  }));

test('a missing or truncated snapshot is not taken', () =>
  withWeb({ a: '1' }, async ({ config, segment, publish }) => {
    segment.show(segment.generation() + 7n);
    assert.equal(config.a, '1');
    segment.publishBytes(Buffer.alloc(0));
    assert.equal(config.a, '1');
    segment.publishBytes(Buffer.from('nothing like a snapshot'));
    assert.deepEqual([config.a, await config.wait(0)], ['1', false]);
    await publish({ a: '2' });
    await eventually(() => config.a === '2');
  }));

test('any damage is an error or a value, and never a crash', () =>
  withWeb({ 'a/b': 'x'.repeat(100), doc: { n: [1, 2, { m: 3 }] }, c: '1', counter: '1' }, async ({ config, segment, publish }) => {
    const reads = [
      () => config.a.b, () => config['a/b'], () => config.doc.n[2].m, () => Object.keys(config).map((name) => config.get(name)),
      () => Object.keys(config.a), () => 'nothing/there' in config, () => config.require('nothing/there'),
      () => inspect(config), () => shmconf.toObject(config), () => config.snapshot().a.b, () => config.status,
    ];
    config.on('change', () => {});
    let taken = 0;
    const sound = fs.readFileSync(segment.snapshotFile());
    for (let at = 0; at < sound.length; at += 5) {
      const broken = Buffer.from(sound);
      broken[at] ^= 0xff;
      const generation = segment.publishBytes(await segment.sealed(broken));
      if (config.status.generation === generation) ++taken;
      for (const read of reads) {
        try {
          read();
        } catch (error) {
          // A place that is gone is undefined, and reads below it a TypeError, as with any object.
          assert.ok(error instanceof shmconf.ShmconfError || error instanceof TypeError, error.stack);
        }
      }
      try {
        shmconf.open('web', { verify: true, allowBackup: false }).close();
      } catch (error) {
        assert.ok(hasCode('SHMCONF_DAMAGED', 'SHMCONF_WRONG_VERSION', 'SHMCONF_NOT_READY')(error), error.stack);
      }
    }
    assert.ok(taken > sound.length / 5 / 2, `${taken} were taken for snapshots`);
    await publish({ 'a/b': 'whole' });
    await eventually(() => config.a?.b === 'whole');
  }));

test('a snapshot that can be opened only later is taken then', () =>
  withWeb({ a: '1' }, async ({ config, segment, publish }) => {
    await publish({ a: '2' });
    const bytes = fs.readFileSync(segment.snapshotFile());
    await publish({ a: '3' });
    assert.equal(config.a, '3');
    const later = await segment.sealed(bytes);
    const next = segment.generation() + 1n;
    segment.show(next);
    assert.equal(config.a, '3');
    fs.writeFileSync(segment.snapshotFile(next), later, { mode: 0o600 });
    // Without a turn of the event loop, in which others might look.
    for (const end = Date.now() + 60_000; config.a !== '2'; ) assert.ok(Date.now() < end, config.a);
  }));

test('the backup is read where there is no segment', () =>
  withWeb({ a: '1', 'b/c': '2' }, async ({ segment, root, disk }) => {
    const backup = `${disk}/web.snapshot`;
    fs.copyFileSync(segment.snapshotFile(), backup);
    fs.chmodSync(backup, 0o600);
    await segment.remove();
    const config = shmconf.open('web', { backup });
    assert.deepEqual([config.b.c, config.status.fromFile, config.status.backupFile], ['2', true, backup]);
    await withSegment(root, { a: '3' }, async () => {
      assert.equal(await config.wait(60_000), true);
      assert.equal(config.a, '3');
    });
    config.close();
    const alone = shmconf.openBackup(new URL(`file://${backup}`));
    assert.deepEqual([alone.a, await alone.wait(10)], ['1', false]);
    alone.on('change', assert.fail).close();
    fs.writeFileSync(backup, 'x'.repeat(500));
    assert.throws(() => shmconf.openBackup(backup), (error) => hasCode('SHMCONF_DAMAGED')(error) && error.message.includes(backup));
  }));

test('an encrypted backup is the sidecar\'s alone', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'shmconf-node-'));
  try {
    const file = `${root}/web.snapshot`;
    fs.writeFileSync(file, Buffer.concat([Buffer.from('SHMCONFE'), Buffer.alloc(400)]), { mode: 0o600 });
    assert.throws(() => shmconf.openBackup(file), hasCode('SHMCONF_DENIED'));
    assert.throws(() => shmconf.openBackup(file), /is encrypted/);
    assert.throws(() => shmconf.open('web', { directory: root, backup: file }), hasCode('SHMCONF_DENIED'));
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
