// Elements of the page.
//
// Keys, values and errors are bytes of somebody else. They enter the page as text alone (textContent,
// text nodes), never as markup.

const MASK = '***'; // as the server writes it

export const $ = (id) => document.getElementById(id);

/** An element of this class; strings become text in it. */
export function make(tag, name, ...content) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...content);
  return element;
}

/** Sets the text, but lets an element alone that has it: for screen readers, and for selections. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Seen, but not read out. */
export function silent(name, text) {
  const element = make('span', name, text);
  element.setAttribute('aria-hidden', 'true');
  return element;
}

export function timeElement(milliseconds, text) {
  const element = make('time', '', text);
  element.dateTime = element.title = new Date(milliseconds).toISOString();
  return element;
}

export function button(text, pressed) {
  const element = make('button', 'more', text);
  element.type = 'button';
  element.addEventListener('click', pressed);
  return element;
}

/** The text, in pieces, with the words (in small letters) marked. */
export function marked(text, words) {
  const small = text.toLowerCase();
  if (words.length === 0 || small.length !== text.length) return [text];
  const pieces = [];
  for (let at = 0; at < text.length; ) {
    const hits = words.map((word) => ({ word, at: small.indexOf(word, at) })).filter((hit) => hit.at >= 0);
    const next = hits.sort((a, b) => a.at - b.at || b.word.length - a.word.length)[0];
    if (next === undefined) {
      pieces.push(text.slice(at));
      break;
    }
    if (next.at > at) pieces.push(text.slice(at, next.at));
    at = next.at + next.word.length;
    pieces.push(make('mark', '', text.slice(next.at, at)));
  }
  return pieces;
}

export function masked() {
  return make('span', 'masked', make('span', 'unseen', 'hidden: its name says that it is a secret'), silent('', '••••••'));
}

/** A value; of one longer than `most` characters its beginning, and the way to the rest. */
export function valueElement(value, most, words = []) {
  if (value === MASK) return masked();
  if (value === '') return make('span', 'nothing', 'empty');
  if (value.length <= most) return make('span', 'text', ...marked(value, words));
  const whole = make('details', 'whole');
  const beginning = make('span', 'text', ...marked(value.slice(0, most), words), '…');
  const turns = [make('span', 'turn', 'show all'), make('span', 'turn', 'show less')];
  const summary = make('summary', '', beginning, ' ', ...turns);
  const rest = make('pre', '');
  rest.tabIndex = 0; // it scrolls
  whole.addEventListener('toggle', () => say(rest, whole.open ? value : ''));
  whole.append(summary, rest);
  return whole;
}
