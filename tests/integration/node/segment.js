'use strict';
// A segment that a test publishes into, without sidecar and Consul.

const { spawn } = require('node:child_process');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

function base64(value) {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
}

class Segment {
  #process;
  #lines;
  #waiting = [];

  static async attach(root, name) {
    const segment = new Segment(root, name);
    await segment.#answer();
    return segment;
  }

  constructor(root, name) {
    this.directory = path.join(root, name);
    this.#process = spawn(process.env.SHMCONF_SEGMENT_PUBLISHER, [root, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = readline.createInterface({ input: this.#process.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    this.#lines.on('close', () => this.#waiting.splice(0).forEach((resolve) => resolve('error: the publisher ended')));
  }

  async #answer() {
    const line = await new Promise((resolve) => this.#waiting.push(resolve));
    assert.match(line, /^\d+$/);
    return BigInt(line);
  }

  #tell(line) {
    this.#process.stdin.write(line + '\n');
    return this.#answer();
  }

  /** Values are texts, Buffers, or anything else as JSON. Answers the generation. */
  publish(values, flags = 0) {
    const keys = Object.entries(values).map(([key, value]) => ({ key, flags, value: base64(value) }));
    return this.#tell(`publish ${JSON.stringify(keys)}`);
  }

  /** So many generations of the same keys, with the key "counter" counting on. */
  step(count = 1) {
    return this.#tell(`step ${count}`);
  }

  remove() {
    return this.#tell('remove');
  }

  /** Leaves its files. */
  async end() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin.end();
    await exit;
  }

  // --- by hand, past the publisher ---

  controlFile() {
    return path.join(this.directory, 'control.v1');
  }

  generation() {
    return fs.readFileSync(this.controlFile()).readBigUInt64LE(64);
  }

  snapshotFile(generation = this.generation()) {
    return path.join(this.directory, `snapshot.v1.${generation.toString(16).padStart(16, '0')}`);
  }

  /** Writes bytes of the control page in place, which everybody sees. */
  writeControl(bytes, at) {
    const file = fs.openSync(this.controlFile(), 'r+');
    fs.writeSync(file, bytes, 0, bytes.length, at);
    fs.closeSync(file);
  }

  /** Stores the generation word, as a publisher does after it has put the file there. */
  show(generation) {
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(generation);
    this.writeControl(word, 64);
  }

  /** A next generation of these bytes. */
  publishBytes(bytes) {
    const generation = this.generation() + 1n;
    const aside = path.join(this.directory, 'aside');
    fs.writeFileSync(aside, bytes, { mode: 0o600 });
    fs.renameSync(aside, this.snapshotFile(generation));
    this.show(generation);
    return generation;
  }

  /** The bytes of a snapshot with a header as sound as that of the next generation, so that readers look at
   * what is behind it. */
  async sealed(bytes) {
    const file = path.join(this.directory, 'aside');
    fs.writeFileSync(file, bytes);
    await this.#tell(`seal ${file}`);
    return fs.readFileSync(file);
  }
}

module.exports = { Segment };
