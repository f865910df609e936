'use strict';
// Places: the objects that stand for one place of the configuration, `config` and `config.redis`.
//
// A name below a place is a property of the place's object, so that V8 reads it as fast as any getter: one
// load of the generation word in shared memory, one of what was read before. What is no such property,
// like a path, or a key that is there since a moment ago, ends in a proxy at the end of the object's
// prototypes. (A proxy in front of everything costs ten times as much.)
//
// The price: Object.keys() and `in` know of a name that has come or gone when the place is read, or by the
// next turn of the event loop (changes.js sees to that). Reads are exact at once, and so are snapshots.

const { find, isSameShape, namesBelow, shapeOf, Folder } = require('./lookup.js');

const UNREAD = Symbol('unread');

// From this many properties on V8 keeps an object as a slow dictionary, unless it serves as a prototype.
const MANY_NAMES = 100;

/** A place's object -> Place. */
const placeOf = new WeakMap();

function refuse() {
  throw new TypeError('a configuration is read-only: change it in Consul');
}

/** The end of a place's prototypes. base: the class that its object is an instance of. */
class Beyond {
  #place;
  #base;

  constructor(place, base) {
    this.#place = place;
    this.#base = base.prototype;
  }

  get(_, name, receiver) {
    const value = typeof name === 'string' ? this.#place.value(name) : undefined;
    return value !== undefined ? value : Reflect.get(this.#base, name, receiver);
  }

  has(_, name) {
    return (typeof name === 'string' && this.#place.value(name) !== undefined) || Reflect.has(this.#base, name);
  }

  set() {
    return refuse();
  }

  getPrototypeOf() {
    return this.#base;
  }
}

/** The methods of a class and of those it extends, as property descriptors. */
function methodsOf(base) {
  const methods = Object.create(null);
  for (let from = base.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Reflect.ownKeys(from)) methods[name] ??= Object.getOwnPropertyDescriptor(from, name);
  }
  return methods;
}

const methodsOfBase = new WeakMap();

/** Brings a place's object out of V8's dictionary mode: V8 does so with prototypes that it looks through
 * for a method, from the few looks on at which it begins to remember them. */
function keepFast(object) {
  const heir = Object.create(object);
  let found;
  for (let i = 0; i < 20; ++i) found = heir.get;
  return found;
}

class Place {
  #slots = new Map(); // name -> index into cells
  #unused = []; // indexes of names that are gone
  #children = new Map(); // name -> Place, so that a place stays the same object over generations
  #shape;
  #methods;

  /** base: Node, or what extends it. The object is up to date. */
  constructor(source, prefix, base) {
    this.source = source;
    this.prefix = prefix;
    this.kind = base.name;
    this.seen = 0; // the source's word for which `cells` are right
    this.cells = []; // the values that have been read, or UNREAD
    this.generation = undefined;
    if (!methodsOfBase.has(base)) methodsOfBase.set(base, methodsOf(base));
    this.#methods = methodsOfBase.get(base);
    // A prototype of its own also keeps the properties of different places apart for V8.
    this.object = Object.create(Object.create(new Proxy({}, new Beyond(this, base)), this.#methods));
    placeOf.set(this.object, this);
    this.renew();
  }

  /** What lies at a path below; undefined: nothing. */
  value(path) {
    if (this.source.word[0] !== this.seen) this.renew();
    const slot = this.#slots.get(path);
    if (slot === undefined) return this.source.value(this.prefix + path);
    const value = this.cells[slot];
    return value === UNREAD ? this.read(slot, path) : value;
  }

  /** Those of methods too, which have no property. */
  names() {
    return [...namesBelow(this.source.current(), this.prefix)];
  }

  /** Moves on to the source's newest generation. */
  renew() {
    const now = this.source.current();
    if (now !== this.generation) this.#follow(now);
    this.seen = this.source.seen;
  }

  /** Makes the next read, and the next renew(), look again. */
  forget() {
    this.seen = 0;
  }

  read(slot, name) {
    const found = find(this.generation, this.prefix + name);
    const value = found instanceof Folder ? this.#child(name, found.prefix) : this.source.open(found);
    this.cells[slot] = value;
    return value;
  }

  #child(name, prefix) {
    const child = this.source.placeAt(prefix);
    this.#children.set(name, child);
    return child.object;
  }

  #follow(now) {
    const shape = shapeOf(now, this.prefix);
    if (this.#shape === undefined || !isSameShape(this.#shape, shape)) {
      this.#rename(namesBelow(now, this.prefix, shape));
      this.#shape = shape;
    }
    this.cells.fill(UNREAD);
    this.generation = now;
  }

  #rename(names) {
    const gone = [...this.#slots.keys()].filter((name) => !names.has(name));
    for (const name of gone) this.#remove(name);
    for (const name of names) {
      if (!this.#slots.has(name) && !this.#isMethod(name)) this.#add(name);
    }
    if (gone.length > 0 || names.size > MANY_NAMES) keepFast(this.object);
  }

  #isMethod(name) {
    return name !== 'constructor' && name in this.#methods;
  }

  #add(name) {
    const slot = this.#unused.pop() ?? this.cells.length;
    this.cells[slot] = UNREAD;
    this.#slots.set(name, slot);
    Object.defineProperty(this.object, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        if (this.source.word[0] !== this.seen) this.renew();
        const value = this.cells[slot];
        return value === UNREAD ? this.read(slot, name) : value;
      },
      set: refuse,
    });
  }

  #remove(name) {
    this.#unused.push(this.#slots.get(name));
    this.#slots.delete(name);
    this.#children.delete(name);
    delete this.object[name];
  }
}

module.exports = { Place, placeOf };
