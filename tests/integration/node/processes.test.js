'use strict';
// Worker threads, cluster, and the ends of processes.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const cluster = require('node:cluster');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');

const { eventually, pause, shmconf, threadsThatWait, withWeb } = require('./fixture.js');

const PREAMBLE = `const shmconf = require(${JSON.stringify(process.env.SHMCONF_NODE_PACKAGE)});`;

/** Runs a program: {code, signal, out, err} of its end. */
async function run(program, { type = 'commonjs' } = {}) {
  const child = spawn(process.execPath, [`--input-type=${type}`, '-e', PREAMBLE + program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes) => (out += bytes));
  child.stderr.on('data', (bytes) => (err += bytes));
  const [code, signal] = await once(child, 'close');
  return { code, signal, out, err };
}

test('worker threads read and follow', () =>
  withWeb({ counter: '0', doc: { n: [1, { m: 2 }] } }, async ({ config, segment }) => {
    const program = `${PREAMBLE}
      const { parentPort } = require('node:worker_threads');
      const config = shmconf.open('web');
      config.on('change', 'counter', (change) => parentPort.postMessage([change.new, config.counter, config.doc.n[1].m]));
      parentPort.postMessage(config.counter);
      parentPort.on('message', () => { config.close(); parentPort.close(); });`;
    const workers = Array.from({ length: 4 }, () => new Worker(program, { eval: true }));
    const told = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    assert.deepEqual(told, ['0', '0', '0', '0']);
    const next = Promise.all(workers.map((worker) => once(worker, 'message')));
    await segment.step();
    assert.deepEqual(await next, workers.map(() => [['1', '1', 2]]));
    for (const worker of workers) worker.postMessage('end');
    for (const [code] of await Promise.all(workers.map((worker) => once(worker, 'exit')))) assert.equal(code, 0);
    assert.equal(config.counter, '1');
  }));

test('workers that are terminated while they wait, again and again', () =>
  withWeb({ counter: '0' }, async ({ config, segment }) => {
    const program = `${PREAMBLE}
      const { parentPort } = require('node:worker_threads');
      const config = shmconf.open('web');
      config.on('change', () => {});
      config.wait();
      (async () => { for await (const change of config.changes()); })();
      parentPort.postMessage('waiting');
      setInterval(() => config.counter, 0);`;
    let publishing = true;
    const steps = (async () => {
      while (publishing) await segment.step();
    })();
    for (let round = 0; round < 5; ++round) {
      const workers = Array.from({ length: 4 }, () => new Worker(program, { eval: true }));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    publishing = false;
    await steps;
    await pause(400); // their threads end meanwhile
    assert.ok(Number(config.counter) > 0);
  }));

test('a cluster', () =>
  withWeb({ counter: '0' }, async ({ segment }) => {
    cluster.setupPrimary({ exec: `${__dirname}/cluster_worker.js` });
    const workers = [cluster.fork(), cluster.fork(), cluster.fork()];
    assert.deepEqual(await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0])), ['0', '0', '0']);
    const next = Promise.all(workers.map((worker) => once(worker, 'message')));
    await segment.step();
    assert.deepEqual((await next).map(([message]) => message), ['1', '1', '1']);
    workers[0].process.kill('SIGKILL');
    await once(workers[0], 'exit');
    const again = cluster.fork();
    assert.deepEqual((await once(again, 'message'))[0], '1');
    const ends = [...workers.slice(1), again].map((worker) => once(worker, 'exit'));
    cluster.disconnect();
    for (const [code] of await Promise.all(ends)) assert.equal(code, 0);
  }));

test('listeners do not keep a process', () =>
  withWeb({ a: '1' }, async () => {
    const { code, out, err } = await run(`
      const config = shmconf.open('web');
      config.on('change', () => {});
      process.on('exit', () => console.log(config.a, 'ends'));`);
    assert.deepEqual([code, out, err], [0, '1 ends\n', '']);
  }));

test('awaiting keeps a process, as long as it lasts', () =>
  withWeb({ a: '1' }, async ({ publish }) => {
    const programs = [
      `shmconf.open('web').wait().then((moved) => console.log(moved));`,
      `(async () => { for await (const change of shmconf.open('web').changes()) { console.log(change.new === '2'); break; } })();`,
    ];
    const runs = programs.map((program) => run(program));
    // However long they take to start, one of the changes comes while they wait.
    let done = false;
    const ends = Promise.all(runs).finally(() => (done = true));
    while (!done) {
      await publish({ a: '1' });
      await pause(100);
      await publish({ a: '2' });
      await pause(100);
    }
    for (const { code, err } of await ends) assert.deepEqual([code, err], [0, '']);
    assert.equal((await ends)[0].out, 'true\n');
  }));

test('process.exit, an uncaught exception and a signal end a process that waits', () =>
  withWeb({ a: '1' }, async () => {
    const waiting = `const config = shmconf.open('web'); config.on('change', () => {}); config.wait(); `;
    const ends = await Promise.all([
      run(waiting + 'setImmediate(() => process.exit(3));'),
      run(waiting + `setImmediate(() => { throw new Error('of its own'); });`),
      run(waiting + `process.kill(process.pid, 'SIGTERM');`),
      run(waiting + `process.on('SIGTERM', () => process.exit(4)); process.kill(process.pid, 'SIGTERM');`),
      run(waiting + 'process.abort === undefined; process.reallyExit(5);'),
    ]);
    assert.deepEqual(ends.map(({ code, signal }) => code ?? signal), [3, 1, 'SIGTERM', 4, 5]);
    assert.match(ends[1].err, /of its own/);
  }));

test('a configuration that nobody holds any more is collected, and its thread ends', () =>
  withWeb({ a: { b: 1 } }, async () => {
    const use = () => {
      const config = shmconf.open('web');
      const listener = () => {};
      config.on('change', listener).off('change', listener);
      assert.deepEqual([config.a.b, config.snapshot().a.b], [1, 1]);
    };
    for (let i = 0; i < 20; ++i) use();
    await eventually(() => {
      global.gc();
      return threadsThatWait() <= 2; // the last one may be on the stack still
    });
  }));
