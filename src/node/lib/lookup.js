'use strict';
// Lookup: what one generation holds at a path. A key wins over a folder of its name, both over the field
// of a JSON document that lies at the same path.

const { isFolder } = require('./documents.js');

/** What has names below it: they continue its prefix. */
class Folder {
  constructor(prefix) {
    this.prefix = prefix;
  }
}

const openUp = (value, path) => (isFolder(value) ? new Folder(path + '/') : value);

/** A plain value, a list, or a Folder; undefined: there is nothing. */
function find(generation, path) {
  const own = generation.entry(path);
  if (own !== undefined || path === '') return openUp(own, path);
  if (generation.hasBelow(path + '/')) return new Folder(path + '/');
  // "redis/" is the folder even where there is a key "redis".
  if (path.endsWith('/') && generation.hasBelow(path)) return new Folder(path);
  for (const value of generation.inDocuments(path)) return openUp(value, path);
  return undefined;
}

/** What decides about the names below a prefix: two of them compare with isSameShape(). */
function shapeOf(generation, prefix) {
  const documents = [...generation.inDocuments(prefix.slice(0, -1))].filter(isFolder);
  return { fingerprint: generation.fingerprint(prefix), documents };
}

function isSameShape(one, other) {
  return (
    one.fingerprint === other.fingerprint &&
    one.documents.length === other.documents.length &&
    one.documents.every((document, i) => document === other.documents[i])
  );
}

/** The names below a prefix: those of keys first, in their order, then those of documents. */
function namesBelow(generation, prefix, shape = shapeOf(generation, prefix)) {
  return new Set([...generation.names(prefix), ...shape.documents.flatMap((document) => Object.keys(document))]);
}

module.exports = { Folder, find, isSameShape, namesBelow, shapeOf };
