'use strict';
// The real sidecar: what a test starts of it, and what of it runs.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/** `shmconf run` for the service "web". */
class Run {
  #words;
  #log;
  #process;

  constructor({ root, disk, consul, prefix, more = [] }) {
    this.#words = ['run', '--name', 'web', '--dir', root, '--prefix', prefix, '--consul', consul.address];
    this.#words.push('--backup', path.join(disk, 'web.snapshot'), ...more);
    this.#log = path.join(disk, 'web.log');
    this.start();
  }

  start() {
    const log = fs.openSync(this.#log, 'a');
    this.#process = spawn(process.env.SHMCONF_BIN, this.#words, { stdio: ['ignore', log, log] });
    fs.closeSync(log);
  }

  get children() {
    return childrenOf(this.#process.pid);
  }

  stop(signal = 'SIGTERM') {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return undefined;
    const exit = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill(signal);
    return exit;
  }

  /** SIGKILL: the supervisor and its children. */
  async killAll() {
    const { children } = this;
    const exit = this.stop('SIGKILL');
    children.forEach(kill);
    await exit;
  }
}

function childrenOf(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** The command lines of launched supervisors that keep a segment in this root, by their pids. */
function supervisors(root) {
  const found = new Map();
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
    try {
      const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const [state] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1);
      const isLaunched = words[0] === 'shmconf' && words[1] === 'launch' && words.includes(`--report=${root}`);
      if (isLaunched && state !== 'Z') found.set(pid, words);
    } catch {
      continue; // it has ended
    }
  }
  return found;
}

module.exports = { Run, kill, supervisors };
