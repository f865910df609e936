// Types of the package. Values come from Consul, so what a path holds is for the service to know: give
// its shape to open<Shape>(), or get() by path.

/** What a path may hold; a Uint8Array is a Buffer. Read-only; lists are frozen. */
export type Value = string | number | boolean | null | Uint8Array | readonly Value[] | Node;

/** One place of the configuration: what lies below it are its properties.
 *
 * Follows the newest generation: each read sees it. Object.keys() and `in` know of names that came or
 * went by the next turn of the event loop. */
export class Node {
  protected constructor();
  /** The value at a path below this place, like 'redis/host'; fallback where there is none. */
  get(path: string): Value | undefined;
  get<T>(path: string, fallback: T): Value | T;
  /** As get(), but throws a ShmconfError that names the nearest key where there is none. */
  require(path: string): Value;
  /** The value at a path; undefined where there is none. Methods win over keys of the same name. */
  readonly [path: string]: any;
}

/** One generation, for values that belong together. */
export class Snapshot extends Node {}

/** One key that changed. undefined: there was, or is, no such key. */
export interface Change {
  readonly key: string;
  readonly old: Value | undefined;
  readonly new: Value | undefined;
}

/** One process of the sidecar, as it says of itself. Ages are milliseconds; null: never. */
export interface Role {
  readonly alive: boolean;
  readonly contactAge: number | null;
  /** null: its last query succeeded. */
  readonly failingFor: number | null;
  readonly failures: number;
  readonly queries: number;
  readonly publishes: number;
  readonly starts: number;
  /** Kept after recovery: failingFor tells. */
  readonly lastError: string;
}

/** A moment's picture. Of fromObject(), the first five only. */
export interface Status {
  readonly verdict: 'live' | 'stale' | 'backup' | 'dead';
  /** Where the values come from. */
  readonly source: 'consul' | 'backup' | 'dev' | 'object';
  /** Milliseconds since the last good contact with Consul; null: none yet. */
  readonly age: number | null;
  readonly generation: bigint;
  /** What fails now, in the sidecar's words; '' while nothing does. */
  readonly error: string;
  readonly keyCount?: number;
  /** When this generation was published, and when its content was read from Consul. */
  readonly published?: Date | null;
  readonly read?: Date | null;
  /** There is neither sidecar nor segment: the backup file itself is read. */
  readonly fromFile?: boolean;
  readonly directory?: string;
  readonly backupFile?: string;
  /** Why the newest generation cannot be read, and the last one is; error says it too. */
  readonly problem?: string;
  readonly watch?: Role;
  readonly heartbeat?: Role;
  readonly supervisor?: Role;
}

/** The newest configuration of a name. */
export class Config extends Node {
  /** For values that belong together: all of the present generation, for as long as it is kept. */
  snapshot(): this & Snapshot;
  /** Calls listener for each key at or below path (every key, without one) whose value changes from now
   * on; states in between may be skipped. path may lead into a JSON document. Does not keep the process
   * alive. */
  on(event: 'change', listener: (change: Change) => void): this;
  on(event: 'change', path: string, listener: (change: Change) => void): this;
  off(event: 'change', listener: (change: Change) => void): this;
  /** As on(), for `for await`, which keeps the process alive. Ends when the configuration is closed. */
  changes(path?: string): AsyncIterableIterator<Change>;
  /** Waits until the generation is another one than when wait() last answered true (or at the start).
   * Whether it is; false when the time is over. */
  wait(milliseconds?: number): Promise<boolean>;
  /** Where the values come from, how old they are, and how the sidecar does. */
  readonly status: Status;
  /** Lets the segment go. Reading throws from then on, and a launched sidecar ends with its last user. */
  close(): void;
}

/** What the package throws; code is 'SHMCONF_ABSENT' and the like, as in shmconf/c.h. */
export class ShmconfError extends Error {
  constructor(code: string, message: string);
  readonly code: string;
}

type Path = string | URL;

export interface Options {
  /** Words in the names of keys whose values inspect() and console.log() mask: 'password', 'token',
   * 'secret' and 'key' if not given. */
  secrets?: readonly string[];
}

export interface OpenOptions extends Options {
  /** The root of all names; else $SHMCONF_DIR, else /dev/shm/shmconf-<uid>. */
  directory?: Path;
  backup?: Path;
  /** Check every byte first. */
  verify?: boolean;
  /** false: no backup, even where there is neither sidecar nor segment. */
  allowBackup?: boolean;
  /** true: read a copy, so that nothing that is done to the segment's files can kill the process; each
   * read makes a system call then, but those of a snapshot(). */
  privateCopy?: boolean;
}

type Flag = string | number | boolean | URL | null | undefined | readonly (string | number)[];

export interface LaunchOptions extends Options {
  /** The places in Consul's KV; later ones win, keys over prefixes. */
  prefixes?: string | readonly string[];
  keys?: string | readonly string[];
  /** A settings file instead, or as well. */
  settings?: Path;
  directory?: Path;
  backup?: Path;
  /** Of shmconf, if it is neither $SHMCONF_BIN nor on PATH. */
  binary?: Path;
  /** Any other option is a flag of `shmconf run`: startupTimeout: '2s' is --startup-timeout 2s. */
  [flag: string]: Flag | readonly string[];
}

/** The configuration of a name (else $SHMCONF_NAME), kept by a sidecar that runs already; or its backup,
 * where there is neither sidecar nor segment. */
export function open<Shape = {}>(name?: string | null, options?: OpenOptions): Config & Shape;

/** The configuration in one backup file, which never changes. */
export function openBackup<Shape = {}>(file: Path, options?: Options): Config & Shape;

/** As open(), after starting a sidecar where the name has none; it ends when the last process that
 * launched it has ended, or close()d. Resolves when there is a configuration. */
export function launch<Shape = {}>(name?: string | null, options?: LaunchOptions): Promise<Config & Shape>;

/** A configuration of these values, without any sidecar: for a service's own tests. Objects are folders; a
 * key with '/' is a path. */
export function fromObject<Shape extends object>(values: Shape, options?: Options): Config & Shape;

/** A part of a configuration as objects, arrays and plain values of one's own. */
export function toObject(value: unknown): any;

export const version: string;
