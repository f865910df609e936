'use strict';
// Sources: where places read from: a segment, followed; or one generation, held.
//
//   word        an Int32Array whose first element moves with every generation
//   seen        what it was when `generation` was the newest; 0: look again at the next read
//   generation
//   follows     whether it ever moves on

const { ShmconfError } = require('./error.js');
const { Folder, find } = require('./lookup.js');
const { Generation, GivenGeneration } = require('./generation.js');
const { Node } = require('./node.js');
const { Place } = require('./place.js');
const { isFolder } = require('./documents.js');

// Words that never move. No generation's low half is 0, or -1, which retires a segment.
const STILL = new Int32Array([1]);
const CLOSED = new Int32Array([-1]);

const closedError = () =>
  new ShmconfError('SHMCONF_INVALID', 'this configuration was closed: open it again, or close it later');

class Source {
  word = STILL;
  seen = STILL[0];
  generation;
  follows = false;
  #places = new Map(); // prefix -> WeakRef of a Place
  #collected = new FinalizationRegistry((prefix) => {
    if (this.#places.get(prefix)?.deref() === undefined) this.#places.delete(prefix);
  });

  /** secrets: the words in the names of keys whose values inspect() masks. */
  constructor(secrets) {
    this.secrets = secrets;
  }

  get isClosed() {
    return this.word === CLOSED;
  }

  /** The newest generation. */
  current() {
    if (this.isClosed) throw closedError();
    return this.generation;
  }

  /** As current(), after a look whether another segment has taken the place of this one. */
  look() {
    return this.current();
  }

  /** The object of the root, as an instance of a class. */
  root(base) {
    return this.#keep(new Place(this, '', base)).object;
  }

  /** The place with a prefix, up to date. The same one for as long as anybody has it. */
  placeAt(prefix) {
    const known = this.#places.get(prefix)?.deref();
    if (known === undefined) return this.#keep(new Place(this, prefix, Node));
    known.renew();
    return known;
  }

  /** What the newest generation, which must be `generation`, holds at a path. */
  value(path) {
    const { values } = this.generation;
    let value = values.get(path);
    if (value !== undefined) return value;
    value = this.open(find(this.generation, path));
    if (value !== undefined) values.set(path, value);
    return value;
  }

  /** What find() found, as it is handed out. */
  open(found) {
    if (found instanceof Folder) return this.placeAt(found.prefix).object;
    return Array.isArray(found) ? this.#openList(found) : found;
  }

  close() {
    this.word = CLOSED;
    this.generation?.release();
    this.generation = undefined;
  }

  /** Those that cannot be, since bytes are not sound, say so when they are read. */
  renewPlaces() {
    for (const place of this.#places.values()) {
      try {
        place.deref()?.renew();
      } catch (error) {
        if (!(error instanceof ShmconfError)) throw error;
      }
    }
  }

  forgetPlaces() {
    for (const place of this.#places.values()) place.deref()?.forget();
  }

  #keep(place) {
    this.#places.set(place.prefix, new WeakRef(place));
    this.#collected.register(place, place.prefix);
    return place;
  }

  #openList(list) {
    return Object.freeze(
      list.map((element) => {
        if (Array.isArray(element)) return this.#openList(element);
        return isFolder(element) ? HeldSource.given(element, this.secrets).root(Node) : element;
      }),
    );
  }
}

/** One generation for ever. */
class HeldSource extends Source {
  constructor(generation, secrets) {
    super(secrets);
    this.generation = generation;
  }

  static given(object, secrets) {
    return new HeldSource(new GivenGeneration(object), secrets);
  }

  status() {
    return { verdict: 'live', source: 'object', age: null, generation: this.current().number };
  }
}

/** The newest generation of a segment. */
class LiveSource extends Source {
  follows = true;
  #reader;
  #asksEachTime;

  /** asksEachTime: there is no word to look at, as of a private copy; each read asks the reader. */
  constructor(reader, secrets, asksEachTime = false) {
    super(secrets);
    this.#reader = reader;
    this.#asksEachTime = Boolean(asksEachTime);
    this.#moveOn();
  }

  current() {
    if (this.isClosed) throw closedError();
    return this.word[0] === this.seen ? this.generation : this.#moveOn();
  }

  look() {
    if (this.isClosed) throw closedError();
    this.#reader.poll();
    return this.#moveOn();
  }

  status() {
    if (this.isClosed) throw closedError();
    const status = this.#reader.status();
    this.#moveOn(); // that has looked as well
    return status;
  }

  waiter(moved) {
    return this.#reader.waiter(moved, this.current().number);
  }

  close() {
    super.close();
    this.#reader.close();
  }

  #moveOn() {
    const word = this.word[0]; // before the look, so that what is published meanwhile is seen later
    const snapshot = this.#reader.take();
    if (snapshot !== undefined) {
      const older = this.generation;
      this.generation = new Generation(snapshot, older);
      older?.release();
    }
    const page = this.#reader.page();
    if (page !== undefined) {
      this.word = page === null ? STILL : new Int32Array(page);
      this.forgetPlaces(); // two pages may have counted to the same number
    }
    // A generation that could not be opened is tried again at each read.
    if (this.#asksEachTime) this.seen = 0;
    else this.seen = this.word === STILL ? STILL[0] : word === this.generation.low ? word : 0;
    return this.generation;
  }
}

module.exports = { HeldSource, LiveSource };
