'use strict';
// JSON documents open up.

const assert = require('node:assert/strict');
const { test } = require('node:test');

const { demo } = require('./demo.js');
const { shmconf, withWeb } = require('./fixture.js');

const wide = {
  text: 'x', int: 6379, float: 1.5, exponent: 1e3, true: true, false: false, null: null, empty: {}, none: [],
  list: [1, 'two', [3, [4]], { five: 5, six: [{ seven: 7 }] }],
};

test('fields are typed', () =>
  withWeb({ 'demo-config': demo }, ({ config }) => {
    const document = config['demo-config'];
    assert.strictEqual(document.redis_config.redis_port, 6379);
    assert.strictEqual(config.get('demo-config').redis_config.redis_port, 6379);
    assert.strictEqual(config.get('demo-config/redis_config/redis_port'), 6379);
    assert.strictEqual(document['redis_config/redis_host'], '127.0.0.1');
    assert.deepEqual(Object.keys(document), ['redis_config', 'show_message']);
    assert.deepEqual(shmconf.toObject(document), demo);
    assert.deepEqual(JSON.parse(JSON.stringify(document)), demo);
  }));

test('every type', () =>
  withWeb({ wide }, ({ config }) => {
    for (const [name, value] of Object.entries(wide)) {
      if (typeof value !== 'object' || value === null) assert.strictEqual(config.wide[name], value, name);
    }
    assert.deepEqual(Object.keys(config.wide.empty), []);
    assert.ok('null' in config.wide);
    assert.strictEqual(config.wide.get('null', 5), null);
    assert.strictEqual(config.require('wide/null'), null);
    assert.deepEqual(shmconf.toObject(config.wide), wide);
  }));

test('arrays are arrays, which nobody can change, and their objects open up', () =>
  withWeb({ wide, array: [1, { a: 2 }] }, ({ config }) => {
    assert.ok(Array.isArray(config.wide.list) && Array.isArray(config.array));
    assert.deepEqual(config.wide.list.slice(0, 3), [1, 'two', [3, [4]]]);
    assert.deepEqual([config.wide.list[3].five, config.wide.list[3].six[0].seven], [5, 7]);
    assert.deepEqual([config.array[0], config.array[1].a, config.array[1]['a']], [1, 2, 2]);
    assert.throws(() => config.array.push(3), TypeError);
    assert.throws(() => config.wide.list[2].push(3), TypeError);
  }));

test('pointers as the reader spells them', () =>
  withWeb({ 'demo-config': demo, slash: { 'a/b': 1, c: 1.5, d: null, e: true, f: 'x' } }, ({ config }) => {
    assert.strictEqual(config['demo-config#/redis_config/redis_port'], 6379);
    const read = ['slash#/a~1b', 'slash#/c', 'slash#/d', 'slash#/e', 'slash#/f'].map((path) => config.get(path));
    assert.deepEqual(read, [1, 1.5, null, true, 'x']);
  }));

test('fields whose names hold a slash', () =>
  withWeb({ document: { 'a/b': { c: 1 }, a: { b: { d: 2 } }, '/': 3, '': 4 } }, ({ config }) => {
    assert.deepEqual([config.document['a/b'].c, config['document/a/b/c']], [1, 1]);
    assert.deepEqual([config['document/a/b/d'], config.document.a.b.d], [2, 2]);
    assert.deepEqual([config.document['/'], config.document['']], [3, 4]);
  }));

test('a KV path wins over a field of the same path, and both are seen', () =>
  withWeb({ doc: { a: 1, b: { x: 1, y: 1 }, c: 1 }, 'doc/a': 'kv', 'doc/b/x': 'kv' }, ({ config }) => {
    assert.deepEqual([config.doc.a, config['doc/a'], config.doc.b.x, config.doc.b.y, config.doc.c], ['kv', 'kv', 'kv', 1, 1]);
    assert.deepEqual([Object.keys(config.doc).sort(), Object.keys(config.doc.b).sort()], [['a', 'b', 'c'], ['x', 'y']]);
  }));

test('what is no document stays a text', () =>
  withWeb({ broken: '{"a": ', number: '5', deep: '['.repeat(100) + ']'.repeat(100) }, ({ config }) => {
    assert.deepEqual([config.broken, config.number], ['{"a": ', '5']);
    assert.equal(config.deep, '['.repeat(100) + ']'.repeat(100));
  }));

test('documents follow the newest generation', () =>
  withWeb({ doc: { a: { b: 1 } } }, async ({ config, publish }) => {
    const inner = config.doc.a;
    assert.equal(inner.b, 1);
    await publish({ doc: { a: { b: 2, c: 3 } } });
    assert.deepEqual([inner.b, inner.c, Object.keys(inner)], [2, 3, ['b', 'c']]);
    await publish({ doc: { a: { b: 2 } }, other: 'x' });
    assert.deepEqual([inner.b, Object.keys(inner)], [2, ['b']]);
    await publish({ doc: { a: 3 } });
    assert.deepEqual([inner.b, config.doc.a], [undefined, 3]);
  }));

test('a document that did not change is not parsed again', async (context) => {
  const big = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`name${i}`, i]));
  await withWeb({ doc: big, other: '1' }, async ({ config, publish }) => {
    const { mock } = context.mock.method(JSON, 'parse');
    const parsed = () => mock.calls.filter(({ arguments: [text] }) => text.includes('name1999')).length;
    for (const other of ['1', '2', '3']) {
      await publish({ doc: big, other });
      assert.deepEqual([config.doc.name1999, config.other], [1999, other]);
    }
    assert.equal(parsed(), 1);
    await publish({ doc: { ...big, more: 1 }, other: '1' });
    assert.equal(config.doc.more, 1);
    assert.equal(parsed(), 2);
  });
});
