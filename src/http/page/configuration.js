// The configuration as a tree of folders, and the search in it: all of /api/tree.
//
// A folder is built when it is opened, and brought up to date in place, so that focus, selection and
// scrolling stay where they are while values change.

import { $, button, make, marked, masked, say, valueElement } from './elements.js';
import { counted, isKnown, numberText, sizeText } from './words.js';

const LONGEST_VALUE = 240;
const ROWS_AT_ONCE = 200; // of a folder, or found
const OPEN_AT_FIRST = 60; // a configuration of so many keys stands open

let entries = [];
let leftOut = 0; // keys behind those, which the server did not send
let words = []; // what is searched, in small letters
let wasShown = false;
const openFolders = new Set();

export function takeTree(tree) {
  entries = tree.entries;
  leftOut = tree.left_out ?? 0;
  show();
}

export function search(text) {
  words = text.toLowerCase().split(/\s+/).filter(Boolean);
  show();
}

export function openAll() {
  everyFolder(treeOf(entries), (path) => openFolders.add(path));
  show();
}

export function closeAll() {
  openFolders.clear();
  show();
}

class Folder {
  children = new Map(); // by name; that of a folder ends with its slash
  keys = 0; // in it and below

  constructor(path) {
    this.path = path;
  }
}

function treeOf(listed) {
  const root = new Folder('');
  for (const entry of listed) {
    const names = entry.key.split('/');
    const last = names.pop();
    let folder = root;
    folder.keys += 1;
    for (const name of names) {
      const id = `${name}/`;
      if (!folder.children.has(id)) folder.children.set(id, new Folder(folder.path + id));
      folder = folder.children.get(id);
      folder.keys += 1;
    }
    folder.children.set(last, entry);
  }
  return root;
}

function everyFolder(folder, take) {
  for (const child of folder.children.values()) {
    if (!(child instanceof Folder)) continue;
    take(child.path);
    everyFolder(child, take);
  }
}

// --- rows ---

class KeyRow {
  element = make('li', 'leaf');
  #shown = '';

  show(name, entry) {
    const shown = JSON.stringify([entry, words]);
    if (this.#shown === shown) return;
    if (this.#shown !== '' && words.length === 0) flash(this.element);
    this.#shown = shown;
    const title = name === '' ? make('span', 'nothing', 'the folder itself') : make('span', '', ...marked(name, words));
    const facts = [
      entry.encoding === 'base64' ? 'base64' : '',
      sizeText(entry.bytes),
      entry.flags === '0' ? '' : `flags ${entry.flags}`,
      `index ${entry.modify_index}`,
    ];
    this.element.replaceChildren(
      make('span', 'key', title),
      make('span', 'value', ...valueOf(entry)),
      make('span', 'quiet entry-facts', facts.filter(Boolean).join(' · ')),
    );
  }
}

function valueOf(entry) {
  if (entry.too_large) return [make('span', 'nothing', 'too large for this page: '), `shmconf get ${entry.key}`];
  if (!isKnown(entry.value)) return entry.secret ? [masked()] : [];
  return [valueElement(entry.value, LONGEST_VALUE, entry.encoding === 'base64' ? [] : words)];
}

function flash(element) {
  element.classList.remove('flash');
  void element.offsetWidth; // so that the animation starts anew
  element.classList.add('flash');
}

class FolderRow {
  element = make('li', 'folder');
  #details = make('details');
  #name = make('span', 'key');
  #count = make('span', 'quiet');
  #rows = new Rows(make('ul'));
  #folder = null;

  constructor() {
    this.#details.append(make('summary', '', this.#name, this.#count), this.#rows.list);
    this.element.append(this.#details);
    this.#details.addEventListener('toggle', () => this.#toggled());
  }

  show(name, folder) {
    this.#folder = folder;
    this.#name.replaceChildren(...marked(name, words));
    say(this.#count, counted(folder.keys, 'key'));
    const open = words.length > 0 || openFolders.has(folder.path);
    if (open) this.#rows.show(folder);
    if (this.#details.open !== open) this.#details.open = open;
  }

  #toggled() {
    if (words.length > 0) return;
    if (this.#details.open) {
      openFolders.add(this.#folder.path);
      this.#rows.show(this.#folder);
    } else {
      openFolders.delete(this.#folder.path);
    }
  }
}

// The rows of one folder; of many, the first ones and a button.
class Rows {
  #rows = new Map();
  #most = ROWS_AT_ONCE;
  #folder = null;
  #button = button('', () => {
    this.#most += ROWS_AT_ONCE;
    this.show(this.#folder);
  });
  #rest = make('li', 'rest', this.#button);

  constructor(list) {
    this.list = list;
  }

  show(folder) {
    this.#folder = folder;
    const before = this.#rows;
    this.#rows = new Map();
    let place = this.list.firstElementChild;
    for (const [name, child] of folder.children) {
      if (this.#rows.size === this.#most) break;
      const row = before.get(name) ?? (child instanceof Folder ? new FolderRow() : new KeyRow());
      before.delete(name);
      this.#rows.set(name, row);
      row.show(name, child);
      if (row.element === place) place = place.nextElementSibling;
      else this.list.insertBefore(row.element, place);
    }
    for (const row of before.values()) row.element.remove();
    const left = folder.children.size - this.#rows.size;
    say(this.#button, `Show ${numberText(Math.min(left, ROWS_AT_ONCE))} of ${numberText(left)} more`);
    if (left > 0) this.list.append(this.#rest);
    else this.#rest.remove();
  }
}

// --- all of it ---

const rows = new Rows($('tree'));

function matches(entry) {
  const value = entry.encoding === 'base64' ? '' : (entry.value ?? '');
  const text = `${entry.key}\n${value}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function show() {
  const isSearch = words.length > 0;
  const found = isSearch ? entries.filter(matches) : entries;
  const tree = treeOf(isSearch ? found.slice(0, ROWS_AT_ONCE) : found);
  if (!wasShown && found.length > 0) {
    wasShown = true;
    if (found.length <= OPEN_AT_FIRST) everyFolder(tree, (path) => openFolders.add(path));
  }
  rows.show(tree);
  const cut = found.length > ROWS_AT_ONCE ? `, the first ${ROWS_AT_ONCE} are shown` : '';
  say($('found'), isSearch ? `${counted(found.length, 'key')} found${cut}` : '');
  $('empty').hidden = entries.length > 0;
  $('left-out').hidden = leftOut === 0;
  say($('left-out'), `${counted(leftOut, 'key')} more are too much for this page: shmconf list`);
  $('open-all').disabled = $('close-all').disabled = isSearch;
}
