// The page: asks the server, follows its events, and hands on what the keyboard and the mouse say.

import { showOlder, takeChange, takeHistory } from './changes.js';
import { closeAll, openAll, search, takeTree } from './configuration.js';
import { $ } from './elements.js';
import { setConnected, showAges, silence, takeProblem, takeState } from './verdict.js';

const RETRY = 3000; // milliseconds, as all of these
const TREE_INTERVAL = 300; // between two readings of the whole tree
const LONGEST_SILENCE = 20_000; // the server speaks every few seconds; after this it is gone, whatever TCP says

async function ask(what) {
  const answer = await fetch(`api/${what}`);
  if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answered ${answer.status}.`);
  return answer.json();
}

// Reads the tree; where that is asked for while it is read, once more behind it.
const treeReader = {
  isBusy: false,
  isWanted: false,
  async read() {
    this.isWanted = true;
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      while (this.isWanted) {
        this.isWanted = false;
        takeTree(await ask('tree'));
        await new Promise((resolve) => setTimeout(resolve, TREE_INTERVAL));
      }
    } finally {
      this.isBusy = false;
    }
  },
};

// A server that is gone is told of by the event stream, and all of it is read again when that is back.
async function readAll() {
  try {
    takeState(await ask('state'));
    takeHistory((await ask('history')).changes);
    await treeReader.read();
  } catch (failure) {
    takeProblem(failure.message);
  }
}

let events = null;

function follow() {
  events = new EventSource('api/events');
  events.addEventListener('open', () => {
    setConnected(true);
    readAll();
  });
  events.addEventListener('state', (event) => takeState(JSON.parse(event.data)));
  events.addEventListener('change', (event) => {
    takeChange(JSON.parse(event.data));
    treeReader.read().catch((failure) => takeProblem(failure.message));
  });
  events.addEventListener('error', () => {
    setConnected(false);
    // It tries again by itself, unless the server refused it.
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, RETRY);
  });
}

function lookAtClock() {
  if (events.readyState === EventSource.OPEN && silence() > LONGEST_SILENCE) {
    events.close();
    setConnected(false);
    follow();
  }
  showAges();
}

$('search').addEventListener('input', (event) => search(event.target.value));
$('search').addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  event.target.value = '';
  search('');
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target === $('search')) return;
  event.preventDefault();
  $('search').focus();
});
$('open-all').addEventListener('click', openAll);
$('close-all').addEventListener('click', closeAll);
$('older').addEventListener('click', showOlder);
setInterval(lookAtClock, 1000);
follow();
