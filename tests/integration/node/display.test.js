'use strict';
// What people see of a configuration.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { inspect } = require('node:util');

const { demo } = require('./demo.js');
const { eventually, shmconf, withWeb } = require('./fixture.js');

test('inspect masks secrets', () =>
  withWeb(
    { 'redis/host': 'x', 'redis/Password': 'hunter2', api_key: 'k1', 'tokens/a': 't1', 'demo-config': demo },
    ({ config }) => {
      const text = inspect(config, { depth: 5 });
      assert.match(text, /^Config \{[^]*host: 'x'[^]*\}$/);
      assert.match(text, /redis_port: 6379/);
      for (const secret of ['hunter2', 'k1', 't1', 'aaaa1111']) assert.ok(!text.includes(secret), secret);
      assert.equal(text.split("'***'").length - 1, 4);
    },
  ));

test('a part knows where it lies', () =>
  withWeb({ 'secrets/a/b': 'hunter2', 'plain/a': 'x' }, ({ config }) => {
    assert.equal(inspect(config.secrets.a), "Node { b: '***' }");
    assert.equal(inspect(config.plain), "Node { a: 'x' }");
    assert.equal(inspect(config.snapshot(), { depth: 0 }), 'Snapshot { plain: [Object], secrets: [Object] }');
  }));

test('the words are an option', () =>
  withWeb({ password: 'shown', pin: '1234' }, ({ config }) => {
    assert.equal(inspect(config), "Config { password: 'shown', pin: '***' }");
  }, { secrets: ['PIN'] }));

test('lists are shown, and what is long is cut', () =>
  withWeb({ array: [1, { token: 'x' }], long: 'y'.repeat(1000) }, ({ config }) => {
    const text = inspect(config);
    assert.match(text, /array: \[ 1, \{ token: '\*\*\*' \} \]/);
    assert.ok(text.length < 250);
    const many = shmconf.fromObject(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`name${i}`, i])));
    assert.ok(inspect(many).length < 3000);
    assert.match(inspect(many), /'\.\.\.'/);
  }));

test('a change masks its values too, but holds them', () =>
  withWeb({ 'redis/password': 'hunter2' }, async ({ config, publish }) => {
    const told = [];
    config.on('change', (change) => told.push(change));
    await publish({ 'redis/password': 'hunter3' });
    await eventually(() => told.length > 0);
    assert.equal(inspect(told[0]), "Change { key: 'redis/password', old: '***', new: '***' }");
    assert.deepEqual([told[0].old, told[0].new], ['hunter2', 'hunter3']);
  }));

test('toObject', () =>
  withWeb({ 'a/b': '1', 'a/c/d': '2', e: { f: [1, { g: 2 }] } }, ({ config }) => {
    assert.deepEqual(shmconf.toObject(config), { a: { b: '1', c: { d: '2' } }, e: { f: [1, { g: 2 }] } });
    assert.equal(shmconf.toObject('x'), 'x');
  }));

test('a closed configuration can still be shown', () =>
  withWeb({ a: '1' }, ({ config }) => {
    config.close();
    assert.match(inspect(config), /^\[Config: this configuration was closed/);
  }));
