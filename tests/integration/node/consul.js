'use strict';
// A real Consul agent on loopback, in memory, on ports of its own.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const { eventually } = require('./fixture.js');

function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  return Promise.all(servers.map((server) => new Promise((resolve) => server.on('listening', resolve))))
    .then(() => servers.map((server) => server.address().port))
    .finally(() => servers.forEach((server) => server.close()));
}

class Consul {
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shmconf-consul-'));
  #process;
  #ports;

  /** Runs use(consul) with a running agent. */
  static async with(use) {
    const consul = new Consul();
    try {
      await consul.#begin();
      return await use(consul);
    } finally {
      await consul.kill();
      fs.rmSync(consul.#folder, { recursive: true, force: true });
    }
  }

  get address() {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  async put(key, value) {
    const body = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value);
    const answer = await this.#request('PUT', `/v1/kv/${key}`, body);
    if (answer?.trim() !== 'true') throw new Error(`PUT ${key}: ${answer}`);
  }

  async deleteBelow(prefix) {
    await this.#request('DELETE', `/v1/kv/${prefix}?recurse`);
  }

  async kill() {
    if (this.#isEnded()) return;
    const exit = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await exit;
  }

  /** Empty, on the same ports. */
  async restart() {
    await this.kill();
    this.#start();
    await eventually(() => this.#isReady(), 'Consul');
  }

  async #begin() {
    for (let attempt = 0; attempt < 5; ++attempt) {
      this.#ports = await freePorts(3);
      this.#start();
      await eventually(async () => this.#isEnded() || (await this.#isReady()), 'Consul');
      if (!this.#isEnded()) return;
    }
    // Between choosing ports and taking them, somebody else may have; but not each time.
    throw new Error('Consul does not start: ' + fs.readFileSync(path.join(this.#folder, 'log'), 'utf8').slice(-2000));
  }

  #start() {
    const [http, server, serf] = this.#ports;
    const settings = {
      bind_addr: '127.0.0.1', client_addr: '127.0.0.1', node_name: 'solo', disable_update_check: true,
      ports: { http, https: -1, grpc: -1, dns: -1, serf_wan: -1, server, serf_lan: serf },
    };
    const file = path.join(this.#folder, 'agent.json');
    fs.writeFileSync(file, JSON.stringify(settings));
    const log = fs.openSync(path.join(this.#folder, 'log'), 'w');
    const binary = process.env.SHMCONF_CONSUL || process.env.SHMCONF_BUILT_CONSUL;
    if (!fs.existsSync(binary)) throw new Error(`there is no Consul ${binary}: run tests/install_consul.sh, or set SHMCONF_CONSUL`);
    this.#process = spawn(binary, ['agent', '-dev', `-config-file=${file}`], { stdio: ['ignore', log, log] });
    fs.closeSync(log);
  }

  #isEnded() {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async #isReady() {
    return (await this.#request('GET', '/v1/kv/ready?consistent')) === '';
  }

  async #request(method, target, body) {
    try {
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(`http://${this.address}${target}`, { method, body, signal, headers: { connection: 'close' } });
      const text = await answer.text();
      return answer.ok || answer.status === 404 ? text : `${answer.status} ${text}`;
    } catch {
      return undefined;
    }
  }
}

module.exports = { Consul };
