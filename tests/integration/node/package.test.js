'use strict';
// The package as it is installed, typed and shown in the README.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { Consul } = require('./consul.js');
const { Segment } = require('./segment.js');
const { supervisors } = require('./sidecar.js');
const { eventually, shmconf, withRoot } = require('./fixture.js');

const repository = path.resolve(__dirname, '../../..');
const lines = (...each) => each.join('\n') + '\n';

function run(command, words, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8', timeout: 280_000, ...options });
  assert.ok(error === undefined && status === 0, `${command} ${words.join(' ')}: ${error ?? status}\n${stdout}${stderr}`);
  return stdout;
}

/** A project in a folder of its own that has the package of the build tree. */
function project(disk) {
  fs.mkdirSync(path.join(disk, 'node_modules'));
  fs.symlinkSync(process.env.SHMCONF_NODE_PACKAGE, path.join(disk, 'node_modules/shmconf'));
  return disk;
}

function readmeBlock() {
  const readme = fs.readFileSync(path.join(repository, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, text]) => text);
  const [block] = blocks.filter((text) => text.includes("from 'shmconf'"));
  assert.ok(block.trim().split('\n').filter(Boolean).length <= 5);
  return block;
}

test('npm install builds it from source, without network', () =>
  withRoot(async (root, disk) => {
    // A copy, since a build writes beside its sources.
    for (const part of ['CMakeLists.txt', 'include', 'src']) {
      const filter = (from) => from !== path.join(repository, 'src/node/build');
      fs.cpSync(path.join(repository, part), path.join(disk, 'clone', part), { recursive: true, filter });
    }
    const service = path.join(disk, 'service');
    fs.mkdirSync(service);
    fs.writeFileSync(path.join(service, 'package.json'), '{"name": "service", "private": true}');
    const folder = path.dirname(process.execPath);
    const env = { ...process.env, HOME: disk, PATH: `${folder}:${process.env.PATH}`, npm_config_cache: path.join(disk, 'cache'), npm_config_update_notifier: 'false' };
    run(process.env.SHMCONF_NPM, ['install', '--offline', '--no-audit', '--no-fund', path.join(disk, 'clone/src/node')], { cwd: service, env });
    const segment = await Segment.attach(root, 'web');
    await segment.publish({ 'redis/host': 'x' });
    const common = `const shmconf = require('shmconf'); console.log(shmconf.open('web').redis.host, shmconf.version);`;
    const module = `import shmconf, { open } from 'shmconf'; console.log(open('web').redis.host, shmconf.version);`;
    assert.equal(run(process.execPath, ['-e', common], { cwd: service }), `x ${shmconf.version}\n`);
    assert.equal(run(process.execPath, ['--input-type=module', '-e', module], { cwd: service }), `x ${shmconf.version}\n`);
    await segment.end();
  }));

test('CommonJS and ESM hand out the same', () =>
  withRoot(async (root, disk) => {
    fs.writeFileSync(
      path.join(project(disk), 'both.mjs'),
      lines(
        `import { createRequire } from 'node:module';`,
        `import * as module from 'shmconf';`,
        `const common = createRequire(import.meta.url)('shmconf');`,
        `const { default: whole, ...named } = module;`,
        `console.log(whole === common, Object.keys(named).sort().join() === Object.keys(common).sort().join());`,
      ),
    );
    assert.equal(run(process.execPath, ['both.mjs'], { cwd: disk }), 'true true\n');
  }));

test('the types hold for an ES module and for CommonJS', () =>
  withRoot(async (root, disk) => {
    project(disk);
    for (const file of ['types.mts', 'types.cts']) fs.copyFileSync(path.join(__dirname, 'types.ts'), path.join(disk, file));
    const options = { noEmit: true, strict: true, target: 'es2022', module: 'node16', lib: ['es2022', 'dom'], types: [], esModuleInterop: true };
    const settings = { compilerOptions: options, files: ['types.mts', 'types.cts'] };
    fs.writeFileSync(path.join(disk, 'tsconfig.json'), JSON.stringify(settings));
    run(process.execPath, [fs.realpathSync(process.env.SHMCONF_TSC)], { cwd: disk });
  }));

test('versions agree', () => {
  const [, version] = /project\(shmconf VERSION (\S+)/.exec(fs.readFileSync(path.join(repository, 'CMakeLists.txt'), 'utf8'));
  const { version: packaged } = JSON.parse(fs.readFileSync(path.join(repository, 'src/node/package.json'), 'utf8'));
  assert.deepEqual([packaged, shmconf.version], [version, version]);
});

test('the lines of the README, as they stand there', () =>
  Consul.with((consul) =>
    withRoot(async (root, disk) => {
      fs.writeFileSync(path.join(project(disk), 'start.mjs'), readmeBlock());
      // What else a service does: it runs on.
      fs.writeFileSync(path.join(disk, 'service.cjs'), 'process.stdin.resume();');
      await consul.put('config/web/redis/host', 'a');
      const env = { ...process.env, CONSUL_HTTP_ADDR: consul.address, SHMCONF_BACKUP: path.join(disk, 'web.snapshot'), HOME: disk };
      const child = spawn(process.execPath, ['--require', './service.cjs', 'start.mjs'], { cwd: disk, env, stdio: ['pipe', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (bytes) => (out += bytes));
      await eventually(() => out === 'a\n', 'the first value');
      await consul.put('config/web/redis/host', 'b');
      await eventually(() => out === 'a\nredis/host a -> b\n', 'the change');
      child.stdin.end();
      assert.deepEqual(await once(child, 'exit'), [0, null]);
      await eventually(() => supervisors(root).size === 0 && !fs.existsSync(path.join(root, 'web')), 'the sidecar ends');
    }),
  ));
