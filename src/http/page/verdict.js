// The verdict, what stands beside it, the processes and Consul: all of /api/state.

import { $, make, say } from './elements.js';
import { ageText, clockText, counted, isKnown, numberText, shortGeneration, sizeText } from './words.js';

const WORD = { live: 'Live', stale: 'Stale', backup: 'Backup', dead: 'Dead', none: 'No configuration' };

let state = null; // the newest, or null before there is one
let receivedAt = 0; // performance.now() then
let isConnected = false;
let problem = ''; // why there is none

/** How long the server has been silent, in milliseconds. */
export const silence = () => performance.now() - receivedAt;

export function takeState(newest) {
  state = newest;
  problem = '';
  receivedAt = performance.now();
  showVerdict();
  showFacts();
  showProcesses();
  showAges();
}

/** Why the state cannot be had. */
export function takeProblem(text) {
  problem = text;
  showVerdict();
}

/** Whether what is shown follows the server. */
export function setConnected(connected) {
  isConnected = connected;
  showVerdict();
  showConnection();
}

/** What counts on with the clock. */
export function showAges() {
  showConnection();
  if (!state) return;
  const contact = state.contact_age_ms;
  const passed = silence();
  say($('contact'), isKnown(contact) ? ageText(contact + passed) : 'none yet');
  const isLate = state.verdict !== 'live' && isKnown(contact);
  say($('since'), isLate ? `since ${clockText(Date.now() - passed - contact)}` : '');
  const published = Date.parse(state.published_at);
  say($('published'), published ? ageText(Date.now() - published) : '–');
  $('published').title = state.published_at ?? '';
}

function showVerdict() {
  const verdict = state?.verdict ?? 'unknown';
  const word = WORD[verdict] ?? 'Looking';
  const name = state?.name ?? '';
  $('verdict').dataset.verdict = verdict;
  $('verdict').classList.toggle('lost', !isConnected && state !== null);
  say($('verdict-word'), word);
  say($('summary'), state?.summary ?? (problem || 'Asking how the configuration is.'));
  const more = state && verdict !== 'none' ? (state.problem ?? '') : '';
  $('problem').hidden = more === '';
  say($('problem'), more);
  if (name) say($('name'), name);
  document.title = [word, name, 'shmconf'].filter(Boolean).join(' · ');
  const lost = isConnected ? '' : 'The connection is lost. When last seen, ';
  if (state) say($('announcement'), `${lost}${name}: ${word}`);
}

function showConnection() {
  const connection = $('connection');
  connection.dataset.connection = isConnected ? 'open' : state ? 'lost' : 'connecting';
  let text = 'Connecting';
  if (isConnected) text = 'Following changes';
  else if (state) text = `Connection lost, last seen ${ageText(silence())}`;
  say(connection, text);
}

function showFacts() {
  say($('keys'), numberText(state.keys));
  say($('bytes'), sizeText(state.bytes));
  say($('origin'), state.origin ?? '–');
  say($('generation'), state.verdict === 'none' ? '–' : shortGeneration(state.generation));
  $('generation').title = state.generation;
  $('values-hidden').hidden = state.values_shown;
  $('search').placeholder = state.values_shown ? 'Search keys and values' : 'Search keys';
}

function processElement(process) {
  const wasSeen = isKnown(process.alive_age_ms);
  const [condition, word] = process.alive ? ['alive', 'Alive'] : wasSeen ? ['gone', 'Dead'] : ['idle', 'Not running'];
  const facts = [
    wasSeen ? `seen ${ageText(process.alive_age_ms)}` : '',
    process.restarts ? counted(process.restarts, 'restart') : '',
  ];
  const card = make(
    'li',
    `card ${condition}`,
    make('h3', '', process.role),
    make('p', 'condition', make('span', 'lamp'), word),
    make('p', 'quiet', facts.filter(Boolean).join(', ')),
  );
  const isFailing = isKnown(process.failing_for_ms);
  // The last error is kept after recovery.
  const since = isFailing ? `Failing since ${clockText(Date.now() - process.failing_for_ms)}` : '';
  const before = since || (process.alive && process.last_error ? 'Last error, Consul answers' : '');
  const error = [before, process.last_error].filter(Boolean).join(': ');
  if (error) card.append(make('p', process.alive && !isFailing ? 'error over' : 'error', error));
  return card;
}

function sourceElement(source, place) {
  // A server without settings of its own knows the indexes, and not whose they are.
  const path = source.prefix ?? source.key ?? `source ${place + 1}`;
  const name = make('code', '', path === '' ? 'every key' : path);
  const where = source.datacenter ? ` in ${source.datacenter}` : '';
  const index = isKnown(source.index) ? `index ${source.index}` : 'not read yet';
  return make('li', '', name, where, make('span', 'index', index));
}

function showProcesses() {
  $('processes').replaceChildren(...state.processes.map(processElement));
  say($('address'), state.consul.address ?? '');
  $('sources').replaceChildren(...state.consul.sources.map(sourceElement));
}
