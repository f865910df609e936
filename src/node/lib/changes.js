'use strict';
// Changes: told to listeners and to iterators.
//
// A listener does not keep the process alive: a configuration attends a service, it is none. Whoever
// awaits does: wait(), and next() of an iterator.

const { inspect, isDeepStrictEqual } = require('node:util');

const { ShmconfError } = require('./error.js');
const { HeldSource } = require('./source.js');
const { Folder, find } = require('./lookup.js');
const { masked, toObject } = require('./display.js');

/** One key that changed. undefined: there was, or is, no such key. */
class Change {
  #secrets;

  constructor(key, before, after, secrets) {
    this.key = key;
    this.old = before;
    this.new = after;
    this.#secrets = secrets;
    Object.freeze(this);
  }

  [inspect.custom](depth, options) {
    const shown = { key: this.key };
    for (const when of ['old', 'new']) shown[when] = masked(this[when], this.key, this.#secrets);
    return `Change ${inspect(shown, options)}`;
  }
}

/** What a generation, retained, holds at a path; undefined where there is nothing. */
function valueOf(generation, path, secrets) {
  const found = find(generation, path);
  if (!(found instanceof Folder) && !Array.isArray(found)) return found;
  return new HeldSource(generation.retain(), secrets).value(path);
}

function isDocumentChanged(before, after, path) {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (before.snapshot.isChanged(path.slice(0, end), after.snapshot)) return true;
  }
  return false;
}

/** What changed at and below a path: key by key; or inside the JSON document that holds it. */
function changesBetween(before, after, path, secrets) {
  const change = (key) => new Change(key, valueOf(before, key, secrets), valueOf(after, key, secrets), secrets);
  const keys = before.snapshot.changedKeys(path, after.snapshot);
  if (keys.length > 0) return keys.map(change);
  if (path === '' || !isDocumentChanged(before, after, path)) return [];
  const inside = change(path);
  return isDeepStrictEqual(toObject(inside.old), toObject(inside.new)) ? [] : [inside];
}

/** As changesBetween(); undefined: bytes are not sound, so wait for the generation after. */
function differences(before, after, path, secrets) {
  try {
    return changesBetween(before, after, path, secrets);
  } catch (error) {
    if (error instanceof ShmconfError) return undefined;
    throw error;
  }
}

/** Those that somebody listens to: they are followed on though nobody else holds them. */
const heard = new Set();

/** Follows one source, by a thread that waits for it: keeps its places up to date, and tells whoever
 * listens. The thread ends with the source, close()d or collected. */
class Follower {
  #source;
  #listeners = new Set();
  #awaiting = new Set(); // functions to call at the next move, or when the source is closed
  #waiter;

  constructor(source) {
    this.#source = source;
    const own = new WeakRef(this);
    // In a microtask, an exception is one like any other; Node-API has a say in those of its own calls.
    if (source.follows) this.#waiter = source.waiter(() => queueMicrotask(() => own.deref()?.#moved()));
  }

  listen(listener) {
    this.#listeners.add(listener);
    this.#arrange();
  }

  unlisten(listener) {
    this.#listeners.delete(listener);
    this.#arrange();
  }

  get listeners() {
    return this.#listeners;
  }

  /** A promise that is kept at the next move, at the end of the source, or after so many milliseconds.
   * cancel(): now. */
  move(milliseconds) {
    let cancel;
    const promise = new Promise((resolve) => {
      const timer = milliseconds < Infinity ? setTimeout(() => cancel(), milliseconds) : undefined;
      cancel = () => {
        clearTimeout(timer);
        this.#awaiting.delete(cancel);
        this.#arrange();
        resolve();
      };
      this.#awaiting.add(cancel);
    });
    this.#arrange();
    return { promise, cancel };
  }

  close() {
    this.#listeners.clear();
    for (const end of [...this.#awaiting]) end();
    this.#arrange();
    this.#waiter?.stop();
  }

  #arrange() {
    this.#waiter?.keepAlive(this.#awaiting.size > 0);
    if (this.#listeners.size + this.#awaiting.size > 0) heard.add(this);
    else heard.delete(this);
  }

  #moved() {
    if (this.#source.isClosed) return;
    // A waiter finds a new segment before a reader does. What follows may move the source on once more.
    const now = this.#source.look().retain();
    this.#source.renewPlaces();
    for (const listener of [...this.#listeners]) listener.tell(now);
    for (const end of [...this.#awaiting]) end();
    now.release();
  }
}

/** A function that is told of changes at a path. */
class Listener {
  #told;
  #secrets;
  #isCancelled = false;

  constructor(source, path, call) {
    this.path = path;
    this.call = call;
    this.#told = source.look().retain();
    this.#secrets = source.secrets;
  }

  tell(now) {
    const before = this.#told;
    if (this.#isCancelled || before.number === now.number) return;
    const changes = differences(before, now, this.path, this.#secrets);
    if (changes === undefined) return;
    this.#told = now.retain();
    for (const change of changes) {
      if (this.#isCancelled) break;
      try {
        this.call(change);
      } catch (error) {
        // As from any other callback, but not at the price of the other listeners.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    before.release();
  }

  cancel() {
    this.#isCancelled = true;
    this.#told.release();
  }
}

/** What changes() answers: changes one by one from its making on; states in between may be skipped. */
class Changes {
  #source;
  #follower;
  #path;
  #told;
  #ready = [];
  #isDone = false;
  #last = Promise.resolve();
  #pending;

  constructor(source, follower, path) {
    this.#source = source;
    this.#follower = follower;
    this.#path = path;
    this.#told = source.look().retain();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next() {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => {});
    return next;
  }

  async return(value) {
    this.#end();
    this.#pending?.cancel();
    return { done: true, value };
  }

  async #next() {
    for (;;) {
      if (this.#source.isClosed) this.#end();
      if (this.#isDone) return { done: true, value: undefined };
      if (this.#ready.length === 0) this.#look();
      if (this.#ready.length > 0) return { done: false, value: this.#ready.shift() };
      this.#pending = this.#follower.move(Infinity);
      await this.#pending.promise;
      this.#pending = undefined;
    }
  }

  #look() {
    const now = this.#source.look();
    if (now.number === this.#told.number) return;
    const changes = differences(this.#told, now, this.#path, this.#source.secrets);
    if (changes === undefined) return;
    this.#told.release();
    this.#told = now.retain();
    this.#ready = changes;
  }

  #end() {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#ready = [];
    this.#told.release();
  }
}

module.exports = { Changes, Follower, Listener };
