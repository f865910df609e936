'use strict';
const shown = document.getElementById('state');
new EventSource('/api/events').addEventListener('state', (event) => {
  shown.textContent = JSON.stringify(JSON.parse(event.data), null, 2);
});
