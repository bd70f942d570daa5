// The session: what it records beside ops, its settings, its end.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { weave, directory, session, lines, callsOf } = require('./helpers.js');

const IDS = [1, 2, 3].map((last) => `0190aaaa-0000-7000-8000-00000000000${last}`);

test('a call that is begun and ended is recorded with its parent', (t) => {
  const client = session(t);
  const parent = client.startCall('parent', { a: 1 });
  const child = client.startCall('child', {}, { parent });
  child.end([2]);
  parent.end();
  const calls = callsOf(client);
  assert.deepEqual([calls.parent.inputs, calls.parent.output, calls.child.output], [{ a: 1 }, undefined, [2]]);
  assert.deepEqual([calls.child.parent_id, calls.child.trace_id], [parent.id, parent.traceId]);
  assert.equal(calls.parent.attributes.weave.source, 'libweave-node');
});

test('a call that is logged in one go answers its id', (t) => {
  const client = session(t);
  const id = client.logCall('f', { x: 1 }, 'done');
  const { f } = callsOf(client);
  assert.deepEqual([f.id, f.inputs, f.output], [id, { x: 1 }, 'done']);
});

test('a call of the past keeps its ids, times and run', (t) => {
  const client = session(t);
  const [id, traceId, parentId] = IDS;
  client.logCall('f', {}, null, {
    id, traceId, parentId, startedAt: new Date(1000), endedAt: 2500.5, displayName: 'shown', kind: 'tool',
    summary: { score: 1 }, wbRun: { id: 'team/p/run', step: 3 }, usage: { m: { prompt_tokens: 3 } },
  });
  const { f } = callsOf(client);
  assert.deepEqual([f.id, f.trace_id, f.parent_id, f.display_name], [id, traceId, parentId, 'shown']);
  assert.deepEqual([f.started_at, f.ended_at], ['1970-01-01T00:00:01.000000Z', '1970-01-01T00:00:02.500500Z']);
  assert.deepEqual([f.summary.score, f.summary.usage.m.prompt_tokens], [1, 3]);
  assert.deepEqual([f.wb_run_id, f.wb_run_step, f.wb_run_step_end], ['team/p/run', 3, undefined]);
});

test('a parent is carried elsewhere as a line', (t) => {
  const client = session(t);
  const parent = client.startCall('parent');
  client.logCall('child', {}, null, { parentContext: parent.context });
  parent.end();
  const calls = callsOf(client);
  assert.equal(calls.child.parent_id, calls.parent.id);
});

test('a call is a parent after its end too', (t) => {
  const client = session(t);
  const parent = client.startCall('parent', {}, { threadId: 'session-1' });
  const told = [parent.id, parent.traceId, parent.context, parent.hasEnded];
  parent.end();
  assert.deepEqual([parent.id, parent.traceId, parent.context, parent.hasEnded], [...told.slice(0, 3), true]);
  parent.run(() => client.startCall('child').end());
  const { child } = callsOf(client);
  assert.deepEqual([child.parent_id, child.trace_id, child.thread_id], [parent.id, parent.traceId, 'session-1']);
});

test('usage and summary that are given by hand are kept', (t) => {
  const client = session(t);
  const call = client.startCall('f');
  call.addUsage('m', { prompt_tokens: 3, completion_tokens: 4n });
  call.setSummary({ score: 0.5 });
  call.end(1, { endedAt: 0.001 });
  assert.deepEqual(callsOf(client).f.summary, {
    score: 0.5, status_counts: { error: 0, success: 1 },
    usage: { m: { completion_tokens: 4, prompt_tokens: 3, requests: 1, total_tokens: 7 } },
  });
});

test('a failure is recorded with its type, message and stack', (t) => {
  class TimeoutError extends Error {}
  const client = session(t);
  client.startCall('error').fail(new TimeoutError('too late'), { partial: true });
  client.startCall('told').fail({ type: 'Odd', message: 'broken' });
  client.startCall('thrown').fail('a string');
  client.startCall('odd').fail({ code: 5 });
  const calls = callsOf(client);
  const exception = JSON.parse(calls.error.exception);
  assert.deepEqual([exception.type, exception.message], ['TimeoutError', 'too late']);
  assert.deepEqual(calls.error.output, { partial: true });
  assert.match(JSON.stringify(exception.traceback), /client\.test\.js/);
  assert.deepEqual(JSON.parse(calls.told.exception), { type: 'Odd', message: 'broken', traceback: [] });
  assert.deepEqual(JSON.parse(calls.thrown.exception), { type: 'string', message: 'a string', traceback: [] });
  assert.deepEqual(JSON.parse(calls.odd.exception), { type: 'object', message: '{ code: 5 }', traceback: [] });
});

test('no exception is none', (t) => {
  const client = session(t);
  client.logCall('f', {}, null, { exception: null });
  assert.equal(callsOf(client).f.exception, undefined);
});

test('a failure whose text is no text for UTF-8 is recorded all the same', (t) => {
  const client = session(t);
  client.logCall('f', {}, null, { exception: new Error('a\ud800b\0c') });
  assert.equal(JSON.parse(callsOf(client).f.exception).message, 'a\ufffdb\\0c');
});

test('a call ends once', (t) => {
  const call = session(t).startCall('f');
  call.end(1);
  for (const late of [() => call.end(2), () => call.addUsage('m', {}), () => call.setException('late')]) {
    assert.throws(late, { code: 'WEAVE_CLOSED' });
  }
});

test('a call whose output cannot be stored can be ended again', (t) => {
  const client = session(t);
  const call = client.startCall('f');
  assert.throws(() => call.end(weave.rawJson('{')), { code: 'WEAVE_INVALID_JSON' });
  call.end('again');
  assert.equal(callsOf(client).f.output, 'again');
});

test('a call gets another name, also by its id', (t) => {
  const client = session(t);
  const call = client.startCall('f');
  call.end();
  call.setDisplayName('One 📦');
  client.updateCall(call.id, { displayName: 'Two' });
  client.flushSync();
  const updates = lines(client.offlineDir).filter((line) => line.type === 'call_update');
  assert.deepEqual(updates.map((line) => line.data.display_name), ['One 📦', 'Two']);
});

test('many calls go in one', (t) => {
  const client = session(t);
  const [id] = IDS;
  assert.equal(client.logCalls([{ opName: 'a', id, startedAt: new Date(0) }, { opName: 'b', output: [1n] }]), 2);
  assert.throws(() => client.logCalls([{ opName: 'c' }, { opName: '' }]), { message: /calls\[1\]/ });
  const odd = /** @type {any} */ ({ op_name: 'c' });
  assert.throws(() => client.logCalls([odd]), { message: /op_name; there are opName/ });
  const calls = callsOf(client);
  assert.deepEqual(Object.keys(calls).sort(), ['a', 'b']);
  assert.deepEqual([calls.a.id, calls.a.started_at], [id, '1970-01-01T00:00:00.000000Z']);
});

test('what is published has a reference at once', (t) => {
  const client = session(t);
  const config = client.publishObject('config', { b: 1, a: [2] });
  assert.match(config, /^weave:\/\/\/team\/project\/object\/config:\w{43}$/);
  assert.match(client.publishOp('f', 'function f() {}'), /^weave:\/\/\/team\/project\/op\/f:\w{43}$/);
  assert.match(client.publishTable([{ q: 1 }]), /^weave:\/\/\/team\/project\/table\//);
  const rows = client.publishDataset('rows', [{ q: 1 }, { q: 2 }], { description: 'two' });
  assert.ok(client.rowRef(rows, { q: 2 }).startsWith(`${rows}/attr/rows/id/`));
  client.logCall('g', { config });
  assert.deepEqual(callsOf(client).g.inputs, { config });
});

test('bytes are stored, and values stand for them', (t) => {
  const client = session(t);
  const bytes = new Uint8Array([137, 80, 78, 71]);
  assert.match(client.storeFile('a.bin', bytes), /^\w{43}$/);
  assert.equal(client.storeFile('a.bin', bytes.buffer), client.storeFile('b.bin', Buffer.from(bytes)));
  const image = client.storeImage('png', bytes);
  const sound = client.storeAudio('wav', Buffer.from('RIFF'));
  const page = client.storeContent('page.html', 'text/html', Buffer.from('<p>'));
  client.logCall('f', { image, sound, page });
  assert.deepEqual(callsOf(client).f.inputs, { image, sound, page });
  assert.throws(() => client.storeImage(/** @type {any} */ ('bmp'), bytes), { code: 'WEAVE_INVALID_ARGUMENT' });
  assert.throws(() => client.storeFile('a', /** @type {any} */ ('text')), { message: /^data: .*give a Buffer/ });
});

test('feedback names the call', (t) => {
  const client = session(t);
  const call = client.startCall('f');
  call.end();
  client.addReaction(call, '👍');
  client.addNote(call.id, 'fine');
  client.addFeedback(call.ref, 'quality', { score: 0.5 }, { creator: 'me' });
  const annotationRef = client.publishObject('grade', {});
  client.addFeedback(call, 'wandb.annotation.grade', { value: 1 }, { annotationRef });
  client.flushSync();
  const items = lines(client.offlineDir, 'feedback').map((line) => line.data);
  assert.deepEqual([...new Set(items.map((item) => item.weave_ref))], [`weave:///team/project/call/${call.id}`]);
  assert.deepEqual(items.map((item) => [item.feedback_type, item.payload]), [
    ['wandb.reaction.1', { emoji: '👍' }], ['wandb.note.1', { note: 'fine' }], ['quality', { score: 0.5 }],
    ['wandb.annotation.grade', { value: 1 }]]);
  assert.equal(items[2].creator, 'me');
  assert.throws(() => client.addReaction(call, 'no emoji'), { code: 'WEAVE_REJECTED' });
});

test('prices are recorded', (t) => {
  const client = session(t);
  client.addCost('m', 0.1, 0.2, { providerId: 'p', effectiveDate: new Date(0) });
  client.flushSync();
  const [cost] = lines(client.offlineDir, 'metadata').filter((line) => line.type === 'cost_create');
  const { m } = cost.data.costs;
  assert.deepEqual([m.prompt_token_cost, m.completion_token_cost, m.provider_id], [0.1, 0.2, 'p']);
});

test('settings reach the library', (t) => {
  const client = session(t, {
    compress: false, redactKeys: ['pin'], attributes: { env: 'test' }, source: 'mine', maxFileSize: 10n ** 9n,
  });
  client.logCall('f', { pin: 1234 });
  client.finishSync();
  const folder = path.join(client.offlineDir, 'team/project/calls');
  const [name] = fs.readdirSync(folder);
  const call = JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')).data;
  assert.deepEqual(call.inputs, { pin: 'REDACTED' });
  assert.deepEqual([call.attributes.env, call.attributes.weave.source], ['test', 'mine']);
});

test('every setting that the library refuses is named', (t) => {
  const refused = {
    maxFileSize: 0, maxFileAge: 0, compressionLevel: 13, durabilityInterval: -1, journal: 'paper', journalSize: 0,
    whenFull: 'wait', blockLimit: -1, maxDirectorySize: 1000, quotaPolicy: 'drop-newest', sendInterval: 50,
    sampleRate: 2, httpTimeout: 0, openCallAge: -1, maxSyncRate: 0, syncConnections: 17, attributes: [],
  };
  for (const [name, value] of Object.entries(refused)) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    assert.throws(() => session(t, { [name]: value }), { name: 'WeaveError', message: new RegExp(snake) });
  }
});

test('a setting of another type, or out of the range of C, is refused', (t) => {
  const refused = {
    offline: 1, offlineDir: 5, compress: 'no', maxFileSize: -1, journalSize: 1.5, blockLimit: '5', sampleRate: '1',
    compressionLevel: 2 ** 32 + 1, maxDirectorySize: 2n ** 64n, filter: 'none',
  };
  for (const [name, value] of Object.entries(refused)) {
    assert.throws(() => session(t, { [name]: value }), { name: 'WeaveError', message: new RegExp(`^${name}: `) });
  }
});

test('a setting that is not known is refused with those that are', (t) => {
  assert.throws(() => session(t, { offlineDirectory: 'x' }), { message: /setting: offlineDirectory; .*offlineDir/ });
  const client = session(t);
  const odd = /** @type {any} */ ({ colour: 'red' });
  assert.throws(() => client.startCall('f', {}, odd), { message: /no such setting: colour/ });
});

test('settings that are undefined or null are not given', (t) => {
  const client = session(t, { entity: undefined, maxFileSize: null, filter: null });
  assert.equal(client.project, 'team/project');
});

test('a session is closed when it is finished, and may be finished again', async (t) => {
  const client = session(t);
  const call = client.startCall('f');
  await client.finish();
  await client.finish({ timeout: 5 });
  assert.throws(() => client.logCall('g'), { code: 'WEAVE_CLOSED' });
  assert.throws(() => call.end(), { code: 'WEAVE_CLOSED' });
  await assert.rejects(client.flush(), { code: 'WEAVE_CLOSED' });
});

test('a flush that is overtaken by finishing is fulfilled by it', async (t) => {
  const offlineDir = directory(t);
  for (let round = 0; round < 20; round++) {
    const client = new weave.Client('p', { offline: true, offlineDir });
    client.logCall('f');
    await Promise.all([client.flush(), client.flush(), client.finish()]);
  }
});

test('a session that is disabled keeps nothing', async (t) => {
  const client = new weave.Client('p', { disabled: true, offlineDir: directory(t) });
  client.startCall('f').end();
  assert.deepEqual([client.disabled, client.offlineDir], [true, '']);
  await client.finish();
});

test('stats count what became of records', async (t) => {
  const client = session(t);
  const before = client.stats().accepted;
  client.logCall('a');
  await client.flush({ timeout: 60_000 });
  const stats = client.stats();
  assert.equal(stats.accepted - before, 1);
  assert.deepEqual([stats.packed, stats.waiting, stats.failures, stats.last_error], [stats.accepted, 0, 0, null]);
});

test('a directory that cannot be made is an error', (t) => {
  const file = path.join(directory(t), 'file');
  fs.writeFileSync(file, '');
  assert.throws(() => session(t, { offlineDir: path.join(file, 'offline') }), { code: 'WEAVE_IO', message: /file/ });
});

test('an online session without a key is refused', (t) => {
  const key = { apiKey: '' };
  assert.throws(() => new weave.Client('p', { ...key, offlineDir: directory(t), baseUrl: 'http://127.0.0.1:9' }),
    { code: 'WEAVE_UNAUTHORIZED' });
});

test('calls that a session logs elsewhere have no parent of this one', (t) => {
  const [one, other] = [session(t), session(t)];
  one.startCall('f').run(() => other.logCall('g'));
  assert.equal(callsOf(other).g.parent_id, undefined);
});
