// What changed when: /api/history, and each change as it happens.

import { $, button, make, silent, timeElement, valueElement } from './elements.js';
import { clockText, counted, isKnown, latencyText, shortGeneration } from './words.js';

const KEPT = 64;
const SHOWN_AT_FIRST = 6;
const KEYS_AT_FIRST = 20; // of one change
const LONGEST_VALUE = 120;
const SIGN = { added: '+', changed: '±', removed: '−' };

let changes = []; // the newest first
let most = SHOWN_AT_FIRST;

export function takeHistory(history) {
  changes = history.slice(0, KEPT);
  show();
}

export function takeChange(change) {
  if (changes.some((known) => known.generation === change.generation)) return;
  changes = [change, ...changes].slice(0, KEPT);
  // Only what is new is put in: what somebody has opened below stays open.
  const timeline = $('timeline');
  timeline.prepend(changeElement(change));
  while (timeline.childElementCount > most) timeline.lastElementChild.remove();
  showRest();
}

export function showOlder() {
  most += SHOWN_AT_FIRST;
  show();
}

function show() {
  $('timeline').replaceChildren(...changes.slice(0, most).map(changeElement));
  showRest();
}

function showRest() {
  $('no-changes').hidden = changes.length > 0;
  $('older').hidden = changes.length <= most;
}

function changeElement(change) {
  const at = Date.parse(change.at);
  const facts = [
    shortGeneration(change.generation),
    isKnown(change.latency_ms) ? `published in ${latencyText(change.latency_ms)}` : '',
    change.origin === 'consul' ? '' : `from ${change.origin}`,
  ];
  const when = make('p', 'when', timeElement(at, clockText(at)), make('span', 'quiet', facts.filter(Boolean).join(' · ')));
  const element = make('li', 'generation', when);
  if (change.first) element.append(make('p', 'quiet', 'Was there when this page’s server started.'));
  const keys = make('ul', 'key-changes', ...change.keys.slice(0, KEYS_AT_FIRST).map(keyElement));
  if (change.keys.length > 0) element.append(keys);
  const left = change.keys.slice(KEYS_AT_FIRST);
  if (left.length > 0) {
    const more = button(`Show ${counted(left.length, 'more key')}`, () => {
      keys.append(...left.map(keyElement));
      more.remove();
    });
    element.append(more);
  }
  if (change.keys_left_out) {
    element.append(make('p', 'quiet', `and ${counted(change.keys_left_out, 'more key')}, not listed`));
  }
  return element;
}

function keyElement(change) {
  const title = make(
    'span',
    'key',
    silent('sign', SIGN[change.change]),
    make('span', 'unseen', `${change.change} `),
    make('code', '', change.key),
  );
  const element = make('li', change.change, title);
  const sides = [];
  if (isKnown(change.before)) sides.push(make('del', '', valueElement(change.before, LONGEST_VALUE)));
  if (isKnown(change.before) && isKnown(change.after)) sides.push(silent('arrow', '→'));
  if (isKnown(change.after)) sides.push(make('ins', '', valueElement(change.after, LONGEST_VALUE)));
  if (sides.length > 0) element.append(make('span', 'sides', ...sides));
  return element;
}
