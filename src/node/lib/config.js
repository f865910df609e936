'use strict';
// The configuration as an object.

const { Changes, Follower, Listener } = require('./changes.js');
const { HeldSource } = require('./source.js');
const { Node, place } = require('./node.js');
const { statusOf } = require('./status.js');

const followers = new WeakMap(); // a source -> its Follower
const waited = new WeakMap(); // a source -> the number of the generation that wait() answered last

function checkEvent(event) {
  if (event !== 'change') throw new TypeError(`there is one event, 'change', not '${String(event)}'`);
}

const folder = (path) => path.replace(/\/+$/, '');

/** One generation, for values that belong together. */
class Snapshot extends Node {}

/** The newest configuration of a name. */
class Config extends Node {
  static of(source) {
    followers.set(source, new Follower(source));
    waited.set(source, source.current().number);
    return source.root(Config);
  }

  snapshot() {
    const { source } = place(this);
    return new HeldSource(source.current().retain(), source.secrets).root(Snapshot);
  }

  on(event, path, listener = path) {
    checkEvent(event);
    if (typeof listener !== 'function') throw new TypeError('a listener is a function');
    const { source } = place(this);
    const below = typeof path === 'string' ? folder(path) : '';
    followers.get(source).listen(new Listener(source, below, listener));
    return this;
  }

  off(event, listener) {
    checkEvent(event);
    const follower = followers.get(place(this).source);
    for (const known of [...follower.listeners].filter(({ call }) => call === listener)) {
      known.cancel();
      follower.unlisten(known);
    }
    return this;
  }

  changes(path = '') {
    const { source } = place(this);
    return new Changes(source, followers.get(source), folder(path));
  }

  async wait(milliseconds = Infinity) {
    const { source } = place(this);
    const end = performance.now() + milliseconds;
    for (;;) {
      const { number } = source.look();
      if (number !== waited.get(source)) {
        waited.set(source, number);
        return true;
      }
      const left = end - performance.now();
      if (left <= 0) return false;
      await followers.get(source).move(left).promise;
    }
  }

  get status() {
    return statusOf(place(this).source.status());
  }

  close() {
    const { source } = place(this);
    if (source.isClosed) return;
    source.close();
    followers.get(source).close();
  }
}

module.exports = { Config, Node, Snapshot };
