// What a program hears of what goes wrong behind its back.
'use strict';

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { weave, directory, session } = require('./helpers.js');

test('records that were deleted to keep the quota are warned of', async (t) => {
  const client = session(t, { maxDirectorySize: 1 << 20, maxFileSize: 200_000, quotaPolicy: 'drop-oldest' });
  let told;
  process.once('warning', (warning) => { told = warning; });
  while (!told) {
    client.logCall('f', { noise: randomBytes(60_000).toString('base64') });
    await client.flush();
  }
  assert.equal(told.name, 'WeaveWarning');
  assert.match(told.message, /^team\/project: records were deleted unsent from .*, to keep its quota/);
  assert.ok(client.stats().dropped > 0);
});

test('records that cannot be brought into data files are warned of while the program runs', async (t) => {
  const offlineDir = directory(t);
  // Where the folder of the project belongs there is a file.
  fs.mkdirSync(path.join(offlineDir, 'team'));
  const client = new weave.Client('team/project', { offline: true, offlineDir });
  const folder = path.join(offlineDir, 'team', 'project');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.writeFileSync(folder, '');
  const told = once(process, 'warning');
  const alive = setInterval(() => {}, 1000); // a session that is watched keeps no program from ending
  client.logCall('f', { text: 'x'.repeat(300_000) }); // enough not to wait for company in the journal
  const [{ message }] = await told;
  clearInterval(alive);
  assert.match(message, /^team\/project: records could not be brought into data files, which is tried again: /);
  fs.rmSync(folder);
  client.finishSync();
  assert.equal(client.stats().waiting, 0);
});
