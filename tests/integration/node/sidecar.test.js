'use strict';
// The package on the real sidecar and the real Consul.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { Consul } = require('./consul.js');
const { Run, kill } = require('./sidecar.js');
const { demo } = require('./demo.js');
const { eventually, shmconf, withRoot } = require('./fixture.js');

const PREFIX = 'node/sidecar/';

/** Runs use({config, consul, run, root, disk}) on the service "web". */
function withRun(use) {
  return Consul.with((consul) =>
    withRoot(async (root, disk) => {
      await consul.put(`${PREFIX}redis/host`, 'a');
      await consul.put(`${PREFIX}demo-config`, demo);
      const run = new Run({ root, disk, consul, prefix: PREFIX });
      try {
        const config = await eventually(() => {
          try {
            return shmconf.open('web', { allowBackup: false });
          } catch (error) {
            assert.ok(['SHMCONF_ABSENT', 'SHMCONF_NOT_READY'].includes(error.code), error.message);
            return undefined;
          }
        }, 'a configuration');
        await use({ config, consul, run, root, disk });
        config.close();
      } finally {
        await run.stop();
      }
    }),
  );
}

test('what Consul holds arrives', () =>
  withRun(async ({ config, consul }) => {
    assert.equal(config.redis.host, 'a');
    assert.strictEqual(config.get('demo-config').redis_config.redis_port, 6379);
    const told = [];
    config.on('change', 'demo-config/show_message', ({ old, new: now }) => told.push([old, now]));
    await consul.put(`${PREFIX}redis/host`, 'b');
    assert.ok(await config.wait(60_000));
    await eventually(() => config.redis.host === 'b');
    await consul.put(`${PREFIX}demo-config`, { show_message: 'hello' });
    await eventually(() => told.length > 0);
    assert.deepEqual(told[0], [demo.show_message, 'hello']);
    await consul.put(`${PREFIX}binary`, Buffer.from([0xff, 0]));
    await eventually(() => config.binary?.equals(Buffer.from([0xff, 0])));
    await consul.deleteBelow(`${PREFIX}redis/`);
    await eventually(() => !('redis' in config));
  }));

test('Consul goes and comes back', () =>
  withRun(async ({ config, consul }) => {
    await eventually(() => config.status.verdict === 'live');
    await consul.kill();
    await eventually(() => config.status.verdict === 'stale' && config.status.error !== '');
    const { status } = config;
    assert.equal(config.redis.host, 'a');
    assert.ok(status.age >= 0 && status.watch.alive && status.watch.failingFor !== null);
    await consul.restart();
    await consul.put(`${PREFIX}redis/host`, 'c');
    await eventually(() => config.redis.host === 'c');
    await eventually(() => config.status.verdict === 'live' && config.status.error === '');
  }));

test('the sidecar is killed and restarted, its processes in turn as well', () =>
  withRun(async ({ config, consul, run }) => {
    const told = [];
    config.on('change', 'redis', (change) => told.push(change.new));
    await run.killAll();
    assert.deepEqual([config.redis.host, await config.wait(100)], ['a', false]);
    await consul.put(`${PREFIX}redis/host`, 'b');
    run.start();
    await eventually(() => config.redis.host === 'b' && told.at(-1) === 'b');
    for (const turn of ['1', '2', '3']) {
      await eventually(() => run.children.length === 2);
      run.children.forEach(kill);
      await consul.put(`${PREFIX}redis/host`, turn);
      await eventually(() => config.redis.host === turn && told.at(-1) === turn);
    }
  }));

test('the directory is removed under a running sidecar', () =>
  withRun(async ({ config, consul, root }) => {
    const { redis } = config;
    assert.equal(redis.host, 'a');
    fs.rmSync(path.join(root, 'web'), { recursive: true });
    assert.equal(redis.host, 'a');
    await consul.put(`${PREFIX}redis/host`, 'b');
    await eventually(() => redis.host === 'b');
  }));

test('Consul down at the start is served from the backup', () =>
  withRun(async ({ config, consul, run, root, disk }) => {
    const backup = path.join(disk, 'web.snapshot');
    await eventually(() => fs.existsSync(backup), 'a backup');
    await run.stop();
    await consul.kill();
    fs.rmSync(path.join(root, 'web'), { recursive: true });
    const file = shmconf.open('web', { backup });
    assert.deepEqual([file.redis.host, file.status.fromFile], ['a', true]);
    file.close();
    const again = new Run({ root, disk, consul, prefix: PREFIX, more: ['--startup-timeout', '200ms'] });
    await eventually(() => config.status.verdict === 'backup');
    assert.deepEqual([config.status.source, config.redis.host], ['backup', 'a']);
    await again.stop();
  }));
