'use strict';
// fromObject: a configuration without any sidecar.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const vm = require('node:vm');

const { demo } = require('./demo.js');
const { shmconf } = require('./fixture.js');

test('it reads as the real one', () => {
  const config = shmconf.fromObject({ redis: { host: 'x' }, 'demo-config': demo, port: 1, list: [1, { a: 2 }], none: null });
  assert.deepEqual([config.redis.host, config['redis/host'], config.get('redis/host')], ['x', 'x', 'x']);
  assert.deepEqual([config.port, config.list[1].a, config.none, config.missing], [1, 2, null, undefined]);
  assert.equal(config['demo-config'].redis_config.redis_port, 6379);
  assert.deepEqual(Object.keys(config), ['redis', 'demo-config', 'port', 'list', 'none']);
  assert.throws(() => config.require('redis/hots'), /the nearest is 'redis\/host'/);
  assert.equal(config.snapshot().redis.host, 'x');
  assert.deepEqual([config.status.verdict, config.status.source, config.status.age], ['live', 'object', null]);
});

test('keys may be paths', () => {
  const config = shmconf.fromObject({ 'redis/host': 'x', redis: { port: 1 }, a: 'value', 'a/b': 'below', 'c/d/e': { f: 1 } });
  assert.deepEqual([config.redis.host, config.redis.port, config.a, config['a/b'], config.c.d.e.f], ['x', 1, 'value', 'below', 1]);
});

test('it keeps its own copy, which is read-only', () => {
  const values = { redis: { host: 'x' }, list: [1] };
  const config = shmconf.fromObject(values);
  values.redis.host = 'y';
  values.list.push(2);
  assert.deepEqual([config.redis.host, config.list], ['x', [1]]);
  assert.throws(() => (config.redis.host = 'z'), /read-only/);
  assert.throws(() => config.list.push(2), TypeError);
});

test('it never changes, and waiting for it keeps no process', async () => {
  const config = shmconf.fromObject({ a: 1 }).on('change', assert.fail);
  assert.equal(await config.wait(20), false);
  const changes = config.changes();
  const next = changes.next();
  await changes.return();
  assert.deepEqual(await next, { done: true, value: undefined });
  config.close();
  assert.throws(() => config.a, /was closed/);
});

test('objects of another realm, as in some test runners', () => {
  const config = shmconf.fromObject(vm.runInNewContext('({redis: {host: "x"}, list: [{a: 1}]})'));
  assert.deepEqual([config.redis.host, config.list[0].a], ['x', 1]);
});

test('what is no object is refused', () => {
  for (const values of [undefined, null, 5, 'x', [], new Map()]) assert.throws(() => shmconf.fromObject(values), TypeError);
});
