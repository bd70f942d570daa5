// Filters: what they see, change and drop, and that nothing passes by a filter that cannot run.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { PACKAGE, directory, session, texts, lines, callsOf } = require('./helpers.js');

test('a filter changes and drops records', (t) => {
  const client = session(t, {
    filter: (type, data) => (data.op_name === 'secret' ? null : { ...data, inputs: { seen: type } }),
  });
  client.logCall('secret');
  client.logCall('open', { x: 1 });
  const calls = callsOf(client);
  assert.deepEqual(Object.keys(calls), ['open']);
  assert.deepEqual(calls.open.inputs, { seen: 'call_complete' });
  assert.equal(client.stats().filtered, 1);
});

test('a start that is dropped takes its end with it', (t) => {
  const client = session(t, { filter: (_, data) => (data.start?.op_name === 'secret' ? false : data) });
  client.startCall('secret').end();
  client.startCall('open').end();
  assert.deepEqual(Object.keys(callsOf(client)), ['open']);
});

test('whole numbers of any size go through a filter as they are', (t) => {
  const client = session(t, { filter: (_, data) => ({ ...data, output: typeof data.inputs.big }) });
  client.logCall('f', { big: 2n ** 64n - 1n, text: '9007199254740993' });
  client.flushSync();
  const kept = '"inputs":{"big":18446744073709551615,"text":"9007199254740993"},"output":"bigint"';
  assert.ok(texts(client.offlineDir)[0].includes(kept));
});

test('fractions of any length go through a filter', (t) => {
  const client = session(t, { filter: (_, data) => data });
  const numbers = [0.1 + 0.2, -1234567890.1234567, 1.2345678901234567e-300];
  client.logCall('f', { numbers });
  assert.deepEqual(callsOf(client).f.inputs.numbers, numbers);
});

test('a filter that fails drops the record', async (t) => {
  const client = session(t, { filter: () => { throw new Error('broken'); } });
  const told = once(process, 'warning');
  client.logCall('f');
  const [{ name, message }] = await told;
  assert.equal(`${name}: ${message}`, 'WeaveWarning: the filter failed, and the record was dropped: broken');
  client.flushSync();
  assert.deepEqual(lines(client.offlineDir), []);
});

test('what a filter makes of a record is checked', (t) => {
  const client = session(t, { filter: (_, data) => ({ ...data, id: 'another' }) });
  assert.throws(() => client.logCall('f'), { name: 'WeaveError', message: /id/ });
  const odd = session(t, { filter: () => [1] });
  assert.throws(() => odd.logCall('f'), { name: 'WeaveError' });
  for (const one of [client, odd]) assert.deepEqual(callsOf(one), {});
});

test('a filter may log to its own session', (t) => {
  const client = session(t, {
    filter: (_, data) => {
      if (data.op_name === 'seen') client.logCall('noted', { what: data.inputs.what });
      return data;
    },
  });
  client.logCall('seen', { what: 1 });
  assert.deepEqual(callsOf(client).noted.inputs, { what: 1 });
});

test('a filter cannot change the call whose record it sees, and may finish the session', async (t) => {
  let call;
  const client = session(t, {
    filter: (type, data) => {
      if (type === 'call_update') call.end('by the filter');
      if (data.op_name === 'last') client.finishSync();
      return data;
    },
  });
  call = client.startCall('f');
  const told = once(process, 'warning');
  call.setDisplayName('another');
  const [{ message }] = await told;
  assert.match(message, /a filter cannot change or end the call whose record it sees/);
  call.end('by the program');
  assert.equal(callsOf(client).f.output, 'by the program');
  for (const op of ['last', 'late']) assert.throws(() => client.logCall(op), { code: 'WEAVE_CLOSED' });
});

test('many sessions may have filters, one after the other', (t) => {
  const drop = Array.from({ length: 9 }, (_, place) => session(t, { filter: (_, data) => (place % 2 ? null : data) }));
  drop.forEach((client) => client.logCall('f'));
  assert.deepEqual(drop.map((client) => client.stats().filtered), [0, 1, 0, 1, 0, 1, 0, 1, 0]);
});

test('no record passes by a filter that finds no room on the stack', (t) => {
  let asked = 0;
  let refused = 0;
  const client = session(t, { filter: () => { asked++; return null; } });
  const log = () => {
    try {
      client.logCall('secret');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refused++;
    }
  };
  const descend = () => {
    log();
    try {
      descend();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    log();
  };
  // Where the stack ends depends on how deep the first of these stands.
  const from = (depth) => (depth === 0 ? descend() : from(depth - 1));
  for (let depth = 0; depth < 20; depth++) from(depth);
  client.flushSync();
  assert.ok(asked > 1000 && refused > 100, `${asked} ${refused}`);
  assert.deepEqual(lines(client.offlineDir), []);
});

test('no record passes by a filter whose thread is stopped while it runs', async (t) => {
  const offlineDir = directory(t);
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const weave = require(workerData.package);
    const filter = () => {
      parentPort.postMessage('filtering');
      for (;;);
    };
    new weave.Client('team/project', { offline: true, offlineDir: workerData.offlineDir, filter }).logCall('secret');`;
  const worker = new Worker(code, { eval: true, workerData: { package: PACKAGE, offlineDir } });
  await once(worker, 'message');
  await worker.terminate();
  const client = session(t, { offlineDir });
  client.logCall('open');
  assert.deepEqual(Object.keys(callsOf(client)), ['open']);
});
