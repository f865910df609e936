'use strict';
// Keys as properties and by path.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { test } = require('node:test');

const { Segment } = require('./segment.js');
const { shmconf, withRoot, withWeb } = require('./fixture.js');

const isError = (code, text) => (error) => error instanceof shmconf.ShmconfError && error.code === code && error.message.includes(text);

test('properties and paths read the same', () =>
  withWeb({ 'redis/host': '127.0.0.1', 'redis/cache/size': '7', name: 'web' }, ({ config }) => {
    for (const host of [config.redis.host, config['redis/host'], config.get('redis/host'), config.redis.get('host')]) {
      assert.equal(host, '127.0.0.1');
    }
    for (const size of [config.redis.cache.size, config['redis/cache'].size, config.redis['cache/size']]) {
      assert.equal(size, '7');
    }
    assert.equal(config.redis, config.redis);
    assert.equal(config.get('redis'), config.redis);
    assert.equal(config.name, 'web');
  }));

test('reads follow the newest generation, also through parts that were kept', () =>
  withWeb({ 'redis/host': 'a' }, async ({ config, publish }) => {
    const { redis } = config;
    const seen = () => [redis.host, redis.port, redis.get('host'), config.redis.host, config['redis/host']];
    assert.deepEqual(seen(), ['a', undefined, 'a', 'a', 'a']);
    await publish({ 'redis/host': 'b', 'redis/port': '1' });
    assert.deepEqual(seen(), ['b', '1', 'b', 'b', 'b']);
    assert.equal(config.redis, redis, 'a part stays the same object');
    await publish({ 'redis/port': '2' });
    assert.deepEqual([redis.host, redis.port, Object.keys(redis)], [undefined, '2', ['port']]);
    await publish({ other: 'c' });
    assert.deepEqual([redis.port, config.redis, 'redis' in config, Object.keys(config)], [undefined, undefined, false, ['other']]);
    await publish({ 'redis/host': 'd' });
    assert.deepEqual([redis.host, config.redis.host], ['d', 'd']);
  }));

test('each read sees what was published before it, without a turn of the event loop', () =>
  withWeb({ counter: '0' }, async ({ config, segment, root }) => {
    await segment.end();
    const publish = (value) => {
      const keys = [{ key: 'counter', flags: 0, value: Buffer.from(value).toString('base64') }];
      execFileSync(process.env.SHMCONF_SEGMENT_PUBLISHER, [root, 'web'], { input: `publish ${JSON.stringify(keys)}\n` });
    };
    const { counter } = config;
    publish('7');
    const next = config.counter;
    publish('8');
    assert.deepEqual([counter, next, config.counter], ['0', '7', '8']);
  }));

test('values are strings where they are UTF-8, and Buffers where not', () =>
  withWeb(
    {
      text: 'größer 𝄞', empty: '', nul: 'a\0b', number: '6379', binary: Buffer.from([0xff, 0]),
      overlong: Buffer.from([0xc0, 0x80]), surrogate: Buffer.from([0xed, 0xa0, 0x80]), cut: Buffer.from([0xe2, 0x82]),
      beyond: Buffer.from([0xf4, 0x90, 0x80, 0x80]), stray: Buffer.from([0x61, 0x80]),
    },
    ({ config }) => {
      const { text, empty, nul, number } = config;
      assert.deepEqual([text, empty, nul, number], ['größer 𝄞', '', 'a\0b', '6379']);
      for (const name of ['binary', 'overlong', 'surrogate', 'cut', 'beyond', 'stray']) {
        assert.ok(Buffer.isBuffer(config[name]), name);
      }
      assert.deepEqual(config.binary, Buffer.from([0xff, 0]));
    },
  ));

test('keys of any spelling', () =>
  withWeb({ 'größe/ß': '1', 'with space': '2', 'a//b': '3', 'x#y': '4', 'a.b/c': '5', '7/x': '6', __proto__x: '7' }, ({ config }) => {
    assert.deepEqual(
      [config.größe.ß, config['with space'], config['a//b'], config['x#y'], config['a.b'].c, config[7].x, config.__proto__x],
      ['1', '2', '3', '4', '5', '6', '7'],
    );
    assert.equal(config.a[''].b, '3');
    assert.equal(config.get('\udfff'), undefined);
  }));

test('a key named __proto__ is a key', () =>
  withWeb({ ['__proto__']: 'x', 'a/__proto__/b': 'y' }, ({ config }) => {
    assert.equal(config['__proto__'], 'x');
    assert.equal(config.a['__proto__'].b, 'y');
    assert.equal({}.b, undefined);
  }));

test('what is missing is undefined, or the default, or an error that names the nearest key', () =>
  withWeb({ 'redis/host': 'a', 'redis/port': '1', 'demo-config': '2' }, ({ config }) => {
    assert.equal(config.redis.hots, undefined);
    assert.equal(config['redis/hots'], undefined);
    assert.equal(config.get('redis/hots'), undefined);
    assert.equal(config.get('redis/hots', 6379), 6379);
    assert.equal(config.get('redis/host', 'b'), 'a');
    assert.equal(config.require('redis/host'), 'a');
    assert.throws(() => config.require('redis/hots'), isError('SHMCONF_ABSENT', "no key 'redis/hots'; the nearest is 'redis/host'"));
    assert.throws(() => config.redis.require('prot'), isError('SHMCONF_ABSENT', "no key 'redis/prot'; the nearest is 'redis/port'"));
    assert.throws(() => config.require('reddis/host'), isError('SHMCONF_ABSENT', "the nearest is 'redis'"));
    assert.throws(() => config.require('demo_config'), isError('SHMCONF_ABSENT', "the nearest is 'demo-config'"));
    assert.throws(() => config.get(5), /a key is a string, like 'redis\/host', not 5/);
  }));

test('names: in, Object.keys, spread, for in, JSON', () =>
  withWeb({ b: '1', 'a/x': '2', 'a-b': '3', 'a/y/z': '4', 'a/': '' }, ({ config }) => {
    assert.deepEqual(Object.keys(config), ['a-b', 'a', 'b']);
    assert.deepEqual(Object.keys(config.a), ['x', 'y']);
    assert.ok('a' in config && 'a/x' in config && 'y' in config.a && !('q' in config) && !('a/q' in config));
    const walked = [];
    for (const name in config) walked.push(name);
    assert.deepEqual(walked, ['a-b', 'a', 'b']);
    assert.deepEqual({ ...config.a, y: 0 }, { x: '2', y: 0 });
    assert.deepEqual(JSON.parse(JSON.stringify(config)), { b: '1', a: { x: '2', y: { z: '4' } }, 'a-b': '3' });
    const { b, a: { x } } = config;
    assert.deepEqual([b, x], ['1', '2']);
  }));

test('a key wins over the folder of its name, which a slash reads', () =>
  withWeb({ a: 'value', 'a/b': 'below', 'redis/': '', 'redis/host': 'x', 'empty/': '' }, ({ config }) => {
    assert.equal(config.a, 'value');
    assert.equal(config['a/'].b, 'below');
    assert.equal(config['a/b'], 'below');
    assert.deepEqual([config['redis/'], config.redis.host], ['', 'x']);
    assert.deepEqual(Object.keys(config.empty), []);
  }));

test('methods win over keys of their name, which get() reads', () =>
  withWeb({ status: '1', get: '2', wait: '3', 'redis/status': '4', constructor: '5', 'redis/toString': '6' }, ({ config }) => {
    assert.equal(config.status.verdict, 'live');
    assert.deepEqual([config.get('status'), config.get('get'), config.get('wait')], ['1', '2', '3']);
    assert.deepEqual([config.redis.status, config.constructor, config.redis.toString], ['4', '5', '6']);
    assert.deepEqual(shmconf.toObject(config).status, '1');
  }));

test('it is an object like others', () =>
  withWeb({ 'a/b': '1' }, async ({ config }) => {
    assert.ok(config instanceof shmconf.Config && config instanceof shmconf.Node && config.a instanceof shmconf.Node);
    assert.ok(!(config.a instanceof shmconf.Config) && config.snapshot() instanceof shmconf.Snapshot);
    assert.equal(String(config), '[object Object]');
    assert.equal(Object.hasOwn(config, 'a'), true);
    assert.equal(await Promise.resolve(config), config);
    assert.throws(() => new shmconf.Config(), /comes from launch\(\), open\(\) or fromObject\(\)/);
  }));

test('a configuration is read-only', () =>
  withWeb({ 'a/b': '1' }, ({ config }) => {
    for (const write of [() => (config.a = 1), () => (config.a.b = 1), () => (config.c = 1), () => Object.assign(config, { d: 1 })]) {
      assert.throws(write, /read-only: change it in Consul/);
    }
    assert.deepEqual([config.a.b, config.c, config.d], ['1', undefined, undefined]);
  }));

test('ten thousand keys', () => {
  const values = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`group${i % 100}/key${i}`, String(i)]));
  return withWeb(values, ({ config }) => {
    assert.equal(Object.keys(config).length, 100);
    assert.equal(Object.values(config).reduce((sum, group) => sum + Object.keys(group).length, 0), 10_000);
    for (const [key, value] of Object.entries(values)) assert.equal(config[key], value);
    assert.throws(() => config.require('grup77'), isError('SHMCONF_ABSENT', "the nearest is 'group77'"));
  });
});

test('opening', () =>
  withRoot(async (root) => {
    const own = { allowBackup: false };
    assert.throws(() => shmconf.open('nothing', own), isError('SHMCONF_ABSENT', 'nothing'));
    assert.throws(() => shmconf.open('not/a/name'), isError('SHMCONF_INVALID', 'not/a/name'));
    assert.throws(() => shmconf.open({}), TypeError);
    assert.throws(() => shmconf.open('web', { secrets: 'pin' }), TypeError);
    const segment = await Segment.attach(root, 'web');
    assert.throws(() => shmconf.open('web', own), isError('SHMCONF_NOT_READY', ''));
    await segment.publish({ a: '1' });
    delete process.env.SHMCONF_DIR;
    const config = shmconf.open('web', { directory: root, verify: true });
    assert.equal(config.a, '1');
    const { status } = config;
    assert.deepEqual([status.verdict, status.source, status.keyCount, status.fromFile, status.error], ['live', 'consul', 1, false, '']);
    assert.equal(status.generation, segment.generation());
    assert.equal(status.directory, segment.directory);
    assert.ok(status.age >= 0 && status.age < 60_000 && Math.abs(status.published - Date.now()) < 60_000);
    assert.ok(status.watch.alive && !status.heartbeat.alive && Object.isFrozen(status));
    config.close();
    config.close();
    assert.throws(() => config.a, isError('SHMCONF_INVALID', 'was closed'));
    assert.throws(() => config.status, isError('SHMCONF_INVALID', 'was closed'));
    await segment.end();
  }));

test('two configurations of one name', () =>
  withWeb({ a: '1' }, async ({ config, publish }) => {
    const others = Array.from({ length: 20 }, () => shmconf.open('web'));
    await publish({ a: '2' });
    for (const other of others) assert.deepEqual([other.a, config.a], ['2', '2']);
    for (const other of others) other.close();
    global.gc?.();
    await publish({ a: '3' });
    assert.equal(config.a, '3');
  }));
