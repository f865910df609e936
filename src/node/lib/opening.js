'use strict';
// The ways to a configuration.

const { fileURLToPath } = require('node:url');

const binding = require('./binding.js');
const { Config } = require('./config.js');
const { ShmconfError } = require('./error.js');
const { HeldSource, LiveSource } = require('./source.js');
const { DEFAULT_SECRETS } = require('./display.js');
const { isFolder } = require('./documents.js');

function pathOf(given) {
  const path = given instanceof URL ? fileURLToPath(given) : given;
  if (typeof path === 'string' && path.includes('\0')) {
    throw new ShmconfError('SHMCONF_INVALID', `the path ${JSON.stringify(path)} holds a NUL, where it would be cut off`);
  }
  return path;
}

function checkName(name) {
  if (name !== undefined && name !== null && typeof name !== 'string') {
    throw new TypeError("the name of a configuration is a string, like 'web'");
  }
  pathOf(name); // names a folder
}

function secretsOf(words = DEFAULT_SECRETS) {
  if (!Array.isArray(words)) throw new TypeError("secrets is an array of words, like ['password', 'token']");
  return words.map((word) => word.toLowerCase());
}

function open(name, { directory, backup, verify = false, allowBackup = true, privateCopy = false, secrets } = {}) {
  checkName(name);
  const words = secretsOf(secrets);
  const reader = binding.open(name, pathOf(directory), pathOf(backup), verify, !allowBackup, privateCopy);
  return Config.of(new LiveSource(reader, words, privateCopy));
}

function openBackup(file, { secrets } = {}) {
  const words = secretsOf(secrets);
  const source = new LiveSource(binding.openBackup(pathOf(file)), words);
  source.follows = false;
  return Config.of(source);
}

const each = (flag, words = []) => [words].flat().flatMap((word) => [flag, String(word)]);

/** Further options as flags of `shmconf run`: startupTimeout: '2s' is --startup-timeout 2s. */
function flagsOf(options) {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = '--' + name.replace(/[A-Z]/g, (letter) => '-' + letter.toLowerCase());
    if (value === undefined || value === null) return [];
    if (typeof value === 'boolean') return [`${flag}=${value}`]; // a settings file or variable may say otherwise
    return each(flag, value instanceof URL ? pathOf(value) : value);
  });
}

async function launch(name, options = {}) {
  checkName(name);
  const { prefixes, keys, settings, directory, backup, binary, secrets, ...more } = options;
  const words = secretsOf(secrets);
  const flags = [...each('--prefix', prefixes), ...each('--key', keys), ...flagsOf(more)];
  const places = [directory, backup, settings, binary].map(pathOf);
  return Config.of(new LiveSource(await binding.launch(name, ...places, flags), words));
}

/** As objects of one's own, with the keys that are paths taken apart. */
function copied(value) {
  if (Array.isArray(value)) return value.map(copied);
  if (!isFolder(value)) return value;
  const made = {};
  const entries = Object.entries(value);
  for (const [name, inner] of entries) if (!name.includes('/')) put(made, name, copied(inner));
  for (const [name, inner] of entries) if (name.includes('/')) putAt(made, name, copied(inner));
  return made;
}

/** Defines it: a plain assignment of '__proto__' does something else. */
function put(object, name, value) {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
}

/** Puts a value at a path. Where a plain value stands in its way, as it may in Consul, the path stays one
 * name, which is found as well. */
function putAt(object, path, value) {
  const end = path.indexOf('/');
  const name = end < 0 ? path : path.slice(0, end);
  const inner = Object.hasOwn(object, name) ? object[name] : undefined;
  if (end < 0) {
    put(object, name, isFolder(inner) && isFolder(value) ? { ...inner, ...value } : value);
  } else if (inner === undefined || isFolder(inner)) {
    if (inner === undefined) put(object, name, {});
    putAt(object[name], path.slice(end + 1), value);
  } else {
    put(object, path, value);
  }
}

function fromObject(values, { secrets } = {}) {
  if (!isFolder(values)) throw new TypeError("fromObject() takes an object, like {redis: {host: 'localhost'}}");
  return Config.of(HeldSource.given(copied(values), secretsOf(secrets)));
}

module.exports = { fromObject, launch, open, openBackup };
