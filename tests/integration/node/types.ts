// Compiled, not run: what the types promise, and what they refuse.
import shmconf, { Change, Config, ShmconfError, Snapshot, Status, Value } from 'shmconf';

interface Settings {
  redis: { host: string; port: string };
}

export async function use(): Promise<void> {
  const config = await shmconf.launch<Settings>('web', { prefixes: ['config/web/'], startupTimeout: '2s', allowEmpty: true });
  const host: string = config.redis.host;
  const any: Config = shmconf.open('web', { directory: '/run/shmconf', secrets: ['pin'] });
  const deep: string = any['demo-config'].redis_config.redis_host;
  const value: Value | undefined = any.get('redis/host');
  const withDefault: Value | number = any.get('redis/port', 6379);
  const strict: Value = any.require('redis/port');
  const held: Snapshot & Settings = config.snapshot();
  config.on('change', 'redis', (change: Change) => console.log(change.key, change.old, change.new)).off('change', () => {});
  for await (const { key } of config.changes('redis')) console.log(key.length);
  const moved: boolean = await config.wait(1000);
  const { verdict, age, generation, error }: Status = config.status;
  const alive: boolean | undefined = config.status.watch?.alive;
  const given = shmconf.fromObject({ redis: { port: 1 } });
  const port: number = given.redis.port;
  try {
    shmconf.openBackup(new URL('file:///var/lib/shmconf/web.snapshot')).close();
  } catch (problem) {
    if (problem instanceof ShmconfError) console.log(problem.code.startsWith('SHMCONF_'));
  }
  console.log(host, deep, value, withDefault, strict, held.redis.host, moved, verdict, age, generation + 1n, error, alive, port);

  // @ts-expect-error: there is one event
  config.on('changed', () => {});
  // @ts-expect-error: it is read-only
  any.redis = 1;
  // @ts-expect-error: a method, not a property
  const status: Status = config.status();
  // @ts-expect-error: a configuration comes from launch(), open() or fromObject()
  new Config();
}
