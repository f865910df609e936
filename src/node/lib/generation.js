'use strict';
// Generations: one state of the configuration, from a segment or given by hand.
//
//   number             a BigInt
//   low                the low half of it, as a signed integer
//   entry(path)        the value of the key of that very name: a plain value, or a parsed document
//   hasBelow(prefix)   whether any key begins so
//   inDocuments(path)  what JSON documents hold at a path, from the one with the longest key
//   names(prefix)      the names that keys have below a prefix, without those in documents
//   fingerprint(prefix)  another one when those are others
//   values             what get() and [] have read so far: path -> value

const { descend, parse } = require('./documents.js');

/** Of a segment. Whoever keeps one over a move of its source retain()s it; the last release() lets the
 * memory go, which else the garbage collector does. */
class Generation {
  #documents = new Map(); // key -> {text, value}
  #olderDocuments;
  #holders = 1;

  /** older: of the same source, whose documents may be the same. */
  constructor(snapshot, older) {
    this.snapshot = snapshot;
    this.number = snapshot.generation();
    this.low = Number(BigInt.asIntN(32, this.number));
    this.values = new Map();
    this.#olderDocuments = older?.#documents;
  }

  retain() {
    ++this.#holders;
    return this;
  }

  release() {
    if (--this.#holders === 0) this.snapshot.free();
  }

  entry(path) {
    const value = this.snapshot.entry(path);
    return typeof value?.document === 'string' ? this.#document(path, value.document) : value;
  }

  hasBelow(prefix) {
    return this.snapshot.hasBelow(prefix);
  }

  *inDocuments(path) {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const value = this.snapshot.entry(path.slice(0, end));
      if (typeof value?.document !== 'string') continue;
      const document = this.#document(path.slice(0, end), value.document);
      const found = end === path.length ? document : descend(document, path.slice(end + 1));
      if (found !== undefined) yield found;
    }
  }

  names(prefix) {
    return this.snapshot.namesBelow(prefix);
  }

  fingerprint(prefix) {
    return this.snapshot.fingerprintBelow(prefix);
  }

  // One that did not change is not parsed again.
  #document(key, text) {
    let known = this.#documents.get(key) ?? this.#olderDocuments?.get(key);
    if (known?.text !== text) known = { text, value: parse(text) ?? text };
    this.#documents.set(key, known);
    return known.value;
  }
}

/** Of a plain object. */
class GivenGeneration {
  number = 1n;
  low = 1;
  values = new Map();
  #root;

  constructor(root) {
    this.#root = root;
  }

  retain() {
    return this;
  }

  release() {}

  entry() {
    return undefined;
  }

  hasBelow() {
    return false;
  }

  *inDocuments(path) {
    const found = path === '' ? this.#root : descend(this.#root, path);
    if (found !== undefined) yield found;
  }

  names() {
    return [];
  }

  fingerprint() {
    return 0n;
  }
}

module.exports = { Generation, GivenGeneration };
