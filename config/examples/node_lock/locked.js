'use strict';

const [host, port] = (process.env.CONSUL_HTTP_ADDR || '127.0.0.1:8500').split(':');
const consul = require('consul')({ host, port });
const shmconf = require('shmconf');

async function main() {
  const config = await shmconf.launch('node-lock', { keys: ['test-zy', 'test-node'], allowEmpty: true });
  const holder = `locked by ${process.pid}`;
  const lock = consul.lock({ key: 'test-node', value: holder });

  lock.on('acquire', () => {
    console.log('lock acquired');

    consul.kv.set('test-zy', 'test-zy', async (err, result) => {
      console.log(result);
      while (config['test-zy'] !== 'test-zy' || config['test-node'] !== holder) await config.wait();
      console.log(config['test-zy']);
      console.log(config['test-node']);
      lock.release();
    });
  });

  lock.on('release', () => {
    console.log('lock released');
  });

  lock.on('error', (err) => {
    console.log('lock error:', err);
  });

  lock.on('end', () => {
    console.log('lock released or there was a permanent failure');
    config.close();
  });

  lock.acquire();
}

main();
