'use strict';
// launch: the sidecar starts with the service and ends with it.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { after, before, test } = require('node:test');
const { Worker } = require('node:worker_threads');

const { Consul } = require('./consul.js');
const { kill, supervisors } = require('./sidecar.js');
const { eventually, pause, shmconf, withRoot } = require('./fixture.js');

const PREFIX = 'node/launch/';

// One Consul for all of these tests.
let consul;
let release;
let ended;
before(async () => {
  await new Promise((resolve, reject) => {
    const use = (started) => {
      consul = started;
      resolve();
      return new Promise((end) => (release = end));
    };
    ended = Consul.with(use).catch(reject);
  });
});
after(async () => {
  release?.();
  await ended;
});

/** Runs use({options, root, disk}): the options of a launch of "web", whose sidecar is gone at the end. */
function withOptions(use) {
  return withRoot(async (root, disk) => {
    await consul.put(`${PREFIX}redis/host`, 'a');
    await use({ options: { prefixes: [PREFIX], consul: consul.address, backup: path.join(disk, 'web.snapshot') }, root, disk });
    await eventually(() => supervisors(root).size === 0 && !fs.existsSync(path.join(root, 'web')), 'the sidecar ends');
  });
}

/** A service in a process of its own: {process, host()}, once it reads. */
async function service(options) {
  const program = `
    const shmconf = require(${JSON.stringify(process.env.SHMCONF_NODE_PACKAGE)});
    shmconf.launch('web', JSON.parse(process.argv[1])).then((config) => {
      const { host } = config.redis;
      config.on('change', 'redis/host', (change) => console.log(change.new));
      console.log(host); // not before: the next change comes behind it
      process.stdin.resume().on('end', () => process.exit(0));
    });`;
  const child = spawn(process.execPath, ['-e', program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout });
  const [first] = await once(lines, 'line');
  return { child, lines, first };
}

async function end({ child }) {
  const exit = once(child, 'exit');
  child.stdin.end();
  return (await exit)[0];
}

test('the sidecar lives as long as its users', () =>
  withOptions(async ({ options, root }) => {
    const config = await shmconf.launch('web', options);
    assert.equal(config.redis.host, 'a');
    assert.equal(supervisors(root).size, 1);
    await consul.put(`${PREFIX}redis/host`, 'b');
    await eventually(() => config.redis.host === 'b');
    const second = await shmconf.launch('web', options);
    assert.equal(supervisors(root).size, 1, 'a second caller attaches');
    config.close();
    await pause(2000); // a sidecar that believed itself alone would have ended by now
    assert.deepEqual([second.redis.host, second.status.verdict, supervisors(root).size], ['b', 'live', 1]);
    second.on('change', () => {});
    second.close();
  }));

test('options become flags', () =>
  withOptions(async ({ options, root }) => {
    await consul.put('node/launch-key', 'k');
    const config = await shmconf.launch('web', {
      ...options, prefixes: PREFIX, keys: ['node/launch-key'], startupTimeout: '3s', allowEmpty: true,
      requireConfiguration: false, hardening: false, group: null, logLevel: 'debug',
    });
    assert.deepEqual([config['node/launch-key'], config.redis.host], ['k', 'a']);
    const [words] = supervisors(root).values();
    assert.equal(words[words.indexOf('--startup-timeout') + 1], '3s');
    for (const word of ['--allow-empty=true', '--require-configuration=false', '--hardening=false']) {
      assert.ok(words.includes(word), `${word} in ${words}`);
    }
    assert.ok(!words.some((word) => word.startsWith('--group')));
    config.close();
  }));

test('settings from a file', () =>
  withOptions(async ({ options, disk }) => {
    const settings = path.join(disk, 'settings.json');
    const address = `http://${consul.address}`;
    fs.writeFileSync(settings, JSON.stringify({ sources: [{ prefix: PREFIX }], consul: { address }, backup_file: options.backup }));
    const config = await shmconf.launch('web', { settings: new URL(`file://${settings}`) });
    assert.equal(config.redis.host, 'a');
    config.close();
  }));

test('what cannot be says what to do', () =>
  withOptions(async ({ options, disk }) => {
    const cases = [
      ['web', { ...options, consul: '127.0.0.1:1', startupTimeout: '100ms' }, 'SHMCONF_ABSENT', 'Consul'],
      ['web', { ...options, noSuchFlag: 'x' }, 'SHMCONF_INVALID', 'no-such-flag'],
      ['web', { ...options, startupTimeout: 'soon' }, 'SHMCONF_INVALID', 'soon'],
      ['not/a/name', options, 'SHMCONF_INVALID', 'not/a/name'],
      ['web', { ...options, settings: path.join(disk, 'none.json') }, 'SHMCONF_INVALID', 'none.json'],
      ['web', { ...options, binary: path.join(disk, 'none') }, 'SHMCONF_ABSENT', 'SHMCONF_BIN'],
    ];
    for (const [name, given, code, word] of cases) {
      await assert.rejects(shmconf.launch(name, given), (error) => {
        assert.ok(error instanceof shmconf.ShmconfError);
        assert.deepEqual([error.code, error.message.includes(word)], [code, true], error.message);
        return true;
      });
    }
    await assert.rejects(shmconf.launch({ prefixes: [] }), TypeError);
  }));

test('Consul down is served from the backup', () =>
  Consul.with((own) =>
    withOptions(async ({ options, root }) => {
      await own.put(`${PREFIX}redis/host`, 'kept');
      const given = { ...options, consul: own.address, startupTimeout: '200ms' };
      const first = await shmconf.launch('web', given);
      await eventually(() => fs.existsSync(options.backup), 'a backup');
      first.close();
      await eventually(() => supervisors(root).size === 0);
      await own.kill();
      const config = await shmconf.launch('web', given);
      assert.deepEqual([config.redis.host, config.status.verdict, config.status.source], ['kept', 'backup', 'backup']);
      await eventually(() => config.status.error !== '');
      config.close();
    }),
  ));

test('many at once make one sidecar, which ends with the last one', () =>
  withOptions(async ({ options, root }) => {
    const services = await Promise.all(Array.from({ length: 4 }, () => service(options)));
    assert.deepEqual(services.map(({ first }) => first), ['a', 'a', 'a', 'a']);
    assert.equal(supervisors(root).size, 1);
    const told = Promise.all(services.map(({ lines }) => once(lines, 'line')));
    await consul.put(`${PREFIX}redis/host`, 'b');
    assert.deepEqual(await told, services.map(() => ['b']));
    for (const each of services.slice(1)) assert.equal(await end(each), 0);
    assert.equal(supervisors(root).size, 1);
    const exit = once(services[0].child, 'exit');
    services[0].child.kill('SIGKILL');
    await exit;
  }));

test('a sidecar that was killed comes back with the next launch', () =>
  withOptions(async ({ options, root }) => {
    const config = await shmconf.launch('web', options);
    [...supervisors(root).keys()].forEach(kill);
    await eventually(() => supervisors(root).size === 0);
    assert.equal(config.redis.host, 'a');
    const again = await shmconf.launch('web', options);
    await consul.put(`${PREFIX}redis/host`, 'back');
    await eventually(() => config.redis.host === 'back');
    config.close();
    again.close();
  }));

test('launching lets the event loop go on, and works in worker threads', () =>
  withOptions(async ({ options, root }) => {
    let turns = 0;
    const timer = setInterval(() => ++turns, 1);
    await assert.rejects(shmconf.launch('web', { ...options, consul: '127.0.0.1:1', startupTimeout: '300ms' }));
    clearInterval(timer);
    assert.ok(turns > 20, `${turns} turns`);
    await eventually(() => supervisors(root).size === 0, 'the sidecar that had nothing ends');
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      const shmconf = require(${JSON.stringify(process.env.SHMCONF_NODE_PACKAGE)});
      shmconf.launch('web', workerData).then((config) => parentPort.postMessage(config.redis.host));`;
    const worker = new Worker(program, { eval: true, workerData: options });
    const exit = once(worker, 'exit');
    assert.deepEqual(await once(worker, 'message'), ['a']);
    assert.deepEqual(await exit, [0]);
  }));
