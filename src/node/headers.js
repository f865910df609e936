'use strict';
// node headers.js: prints the folder of the headers that belong to the Node that runs this.

const fs = require('node:fs');
const path = require('node:path');

function candidates() {
  const beside = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const prefix = process.config.variables.node_prefix || '/usr';
  return [path.join(beside, 'include/node'), path.join(prefix, 'include/node'), '/usr/include/node'];
}

/** Another Node's headers may stand in the same place, so what they say of themselves counts. */
function belongs(folder) {
  try {
    const text = fs.readFileSync(path.join(folder, 'node_version.h'), 'utf8');
    const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(text)?.[1];
    return major === process.versions.node.split('.')[0] && fs.existsSync(path.join(folder, 'node_api.h'));
  } catch {
    return false;
  }
}

const found = candidates().find(belongs);
if (found === undefined) {
  process.stderr.write(
    `no headers for ${process.execPath} (${process.version}) in ${[...new Set(candidates())].join(', ')}: ` +
      "install libnode-dev where Node is Debian's; other builds bring them in include/node of their own folder\n",
  );
  process.exitCode = 1;
} else {
  process.stdout.write(found + '\n');
}
