// The offline directory: what is sent, how that is told and stopped, and what is looked after.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { weave, directory, server, promise } = require('./helpers.js');

/** An offline directory with some objects of each of some projects. */
function stored(t, projects = ['team/project'], objects = 1) {
  const offlineDir = directory(t);
  for (const project of projects) {
    const client = new weave.Client(project, { offline: true, offlineDir });
    client.logCall('f');
    for (let number = 0; number < objects; number++) client.publishObject(`object-${number}`, { number });
    client.finishSync();
  }
  return offlineDir;
}

test('a sync answers what was sent, by project and kind', async (t) => {
  const { settings } = await server(t);
  const offlineDir = stored(t);
  const results = await weave.sync({ offlineDir, ...settings });
  assert.deepEqual(results['team/project'].calls, [1, 0]);
  assert.deepEqual(results['team/project'].objects, [1, 0]);
  assert.deepEqual(await weave.sync({ offlineDir, project: 'project', ...settings }), {});
});

test('the event loop goes on while a sync waits for the server', async (t) => {
  // The server is on this event loop: it would never answer.
  const { answers, settings } = await server(t);
  let ticks = 0;
  const timer = setInterval(() => { ticks++; }, 1);
  answers['/obj/create'] = () => new Promise((resolve) => {
    const seen = ticks;
    const look = setInterval(() => {
      if (ticks > seen + 3) {
        clearInterval(look);
        resolve(undefined);
      }
    }, 1);
  });
  await weave.sync({ offlineDir: stored(t), ...settings });
  clearInterval(timer);
});

test('records that a server refuses are told with what was sent, and can be looked after', async (t) => {
  const { answers, settings } = await server(t);
  answers['/v2/team/project/calls/complete'] = () => [422, { detail: 'no such call' }];
  const offlineDir = stored(t);
  await assert.rejects(weave.sync({ offlineDir, ...settings }), (error) => {
    assert.ok(error instanceof weave.WeaveError);
    assert.deepEqual([error.code, error.status], ['WEAVE_INCOMPLETE', 17]);
    assert.deepEqual([error.results['team/project'].calls, error.results['team/project'].objects], [[0, 1], [1, 0]]);
    assert.match(error.message, /no such call/);
    return true;
  });
  const which = { offlineDir, project: 'project', kind: 'calls' };
  const [rejected] = await weave.listRejected(which);
  assert.deepEqual([rejected.project, rejected.kind, rejected.status], ['team/project', 'calls', 422]);
  assert.deepEqual(await weave.listRejected({ offlineDir, kind: 'feedback' }), []);
  const toFile = path.join(offlineDir, 'rejected.jsonl');
  assert.equal(await weave.exportRejected({ ...which, toFile }), 1);
  assert.equal(JSON.parse(fs.readFileSync(toFile, 'utf8')).id, rejected.id);
  await assert.rejects(weave.exportRejected({ ...which, toFile }), { code: 'WEAVE_IO' });
  assert.equal(await weave.retryRejected(which), 1);
  assert.equal(await weave.dropRejected(which), 0);
});

test('a sync tells how it goes on', async (t) => {
  const { settings } = await server(t);
  const told = [];
  const onProgress = (one) => { told.push(one); };
  await weave.sync({ offlineDir: stored(t, ['team/project'], 3), ...settings, onProgress });
  assert.deepEqual(told.filter(({ kind }) => kind === 'objects').map(({ synced }) => synced), [1, 2, 3]);
  const [calls] = told.filter(({ kind }) => kind === 'calls');
  assert.deepEqual(calls, { project: 'team/project', kind: 'calls', synced: 1, errors: 0 });
});

test('a sync is stopped by false, and by an exception of what is told', async (t) => {
  const { answers, settings } = await server(t);
  const [asked, stopped] = promise();
  let requests = 0;
  // The second object waits until the first was told of.
  answers['/obj/create'] = async () => (++requests > 1 ? await asked : undefined);
  const onProgress = () => {
    stopped(undefined);
    return false;
  };
  await assert.rejects(weave.sync({ offlineDir: stored(t, ['team/project'], 50), ...settings, onProgress }),
    { code: 'WEAVE_CANCELLED', status: 19 });
  const broken = () => {
    stopped(undefined);
    throw new RangeError('enough');
  };
  await assert.rejects(weave.sync({ offlineDir: stored(t, ['team/project'], 50), ...settings, onProgress: broken }),
    { name: 'RangeError', message: 'enough' });
});

test('a sync is stopped by a signal amid a request', async (t) => {
  const { answers, settings } = await server(t);
  const [never] = promise();
  const controller = new AbortController();
  const reason = new Error('changed my mind');
  answers['/obj/create'] = () => {
    controller.abort(reason);
    return never;
  };
  const stopped = weave.sync({ offlineDir: stored(t), ...settings, signal: controller.signal });
  await assert.rejects(stopped, { code: 'WEAVE_CANCELLED', cause: reason });
  await assert.rejects(weave.sync({ offlineDir: stored(t), ...settings, signal: controller.signal }),
    { code: 'WEAVE_CANCELLED' });
});

test('syncs of several directories go on at the same time', async (t) => {
  const { answers, settings } = await server(t);
  const arrived = [promise(), promise()];
  let requests = 0;
  answers['/obj/create'] = async () => {
    arrived[requests++][1](undefined);
    await Promise.all(arrived.map(([one]) => one));
    return undefined;
  };
  const syncs = [stored(t), stored(t)].map((offlineDir) => weave.sync({ offlineDir, ...settings }));
  const [one, other] = await Promise.all(syncs);
  assert.deepEqual([one['team/project'].objects, other['team/project'].objects], [[1, 0], [1, 0]]);
});

test('a sync without a server to reach rejects, and nothing is lost', async (t) => {
  const offlineDir = stored(t);
  const nowhere = { apiKey: 'k'.repeat(40), baseUrl: 'http://127.0.0.1:9', traceServerUrl: 'http://127.0.0.1:9' };
  await assert.rejects(weave.sync({ offlineDir, ...nowhere }), { code: 'WEAVE_NETWORK' });
  const { projects } = await weave.directoryStats({ offlineDir });
  assert.equal(projects['team/project'].calls.pending_files, 1);
});

test('where projects go is told to the server', async (t) => {
  const { answers, settings } = await server(t);
  const names = [];
  answers['/graphql'] = (body) => {
    names.push(JSON.parse(body).variables.name);
    return undefined;
  };
  const destinations = { 'team/project': 'team/elsewhere' };
  await weave.sync({ offlineDir: stored(t), ...settings, destinations });
  assert.ok(names.includes('elsewhere'), String(names));
});

test('settings of a sync that cannot be used are rejected', async (t) => {
  const offlineDir = directory(t);
  await assert.rejects(weave.sync({ offlineDir, syncConnections: 17 }), { message: /sync_connections/ });
  const filtered = /** @type {any} */ ({ offlineDir, filter: () => null });
  await assert.rejects(weave.sync(filtered), { message: /no such setting: filter/ });
  await assert.rejects(weave.sync({ offlineDir: 'a\0b' }), { code: 'WEAVE_INVALID_ARGUMENT' });
  const odd = /** @type {any} */ ({ dir: offlineDir });
  await assert.rejects(weave.directoryStats(odd), { message: /no such setting: dir/ });
});

test('what was sent without a receipt is told by verifying', async (t) => {
  const { settings } = await server(t);
  const offlineDir = directory(t);
  fs.mkdirSync(path.join(offlineDir, 'team/project/calls'), { recursive: true });
  fs.writeFileSync(path.join(offlineDir, 'team/project/calls/20200101_0000.synced.jsonl'), '{}\n');
  await assert.rejects(weave.verify({ offlineDir, ...settings, putBack: true }), {
    code: 'WEAVE_INCOMPLETE', results: {}, message: /1 synced files have no receipt/,
  });
});

test('files that were sent are cleaned, and told before', async (t) => {
  const { settings } = await server(t);
  const offlineDir = stored(t);
  await weave.sync({ offlineDir, ...settings });
  assert.deepEqual((await weave.cleanPreview({ offlineDir })).files, []);
  const { files, bytes } = await weave.cleanPreview({ offlineDir, olderThanDays: 0 });
  assert.ok(files.length > 0 && bytes > 0);
  assert.equal(await weave.cleanSyncedFiles({ offlineDir }), 0);
  assert.equal(await weave.cleanSyncedFiles({ offlineDir, olderThanDays: 0 }), files.length);
});
