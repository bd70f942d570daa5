// The life of a process, of its threads and of what they hold: what was logged survives every end, nothing keeps a
// program from ending, and what is not reachable any more is freed.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { PACKAGE, weave, directory, session, lines, callsOf, program, run, ended, server } = require('./helpers.js');

const OPEN = "const client = weave.init('team/project', { offline: true, offlineDir: given[0] });";
const LOG = "for (let n = 0; n < 100; n++) client.logCall('f', { n });";

/** The numbers that the calls `f` in a directory were given, after another start on it. */
function numbers(offlineDir) {
  const client = new weave.Client('team/project', { offline: true, offlineDir });
  client.finishSync();
  return lines(offlineDir).map((line) => line.data.inputs.n).sort((one, other) => one - other);
}

const ALL = Array.from({ length: 100 }, (_, n) => n);

for (const [how, end] of [['ends', ''], ['calls process.exit', 'process.exit(0);'],
  ['fails', "throw new Error('failed');"], ['is killed', "process.kill(process.pid, 'SIGKILL');"],
  ['aborts', 'process.abort();']]) {
  test(`what was logged is kept when the program ${how} without finishing`, async (t) => {
    const offlineDir = directory(t);
    await run(OPEN + LOG + end, [offlineDir]);
    assert.deepEqual(numbers(offlineDir), ALL);
  });
}

test('a program that just ends leaves data files, prints nothing and is kept by nothing', async (t) => {
  const offlineDir = directory(t);
  const { status, stdout, stderr } = await run(`${OPEN}${LOG} client.startCall('open');`, [offlineDir]);
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
  assert.equal(lines(offlineDir).length, 101);
});

test('a program may end while it has threads that wait for work', async (t) => {
  const offlineDir = directory(t);
  const code = `${OPEN}${LOG} const asked = [client.flush(), weave.directoryStats({ offlineDir: given[0] })];
    Promise.all([...asked, weave.finish()]).then(() => console.log('done'));`;
  const { status, stdout } = await run(code, [offlineDir]);
  assert.deepEqual([status, stdout], [0, 'done\n']);
});

test('an error while a program ends does not change how it ends', async (t) => {
  const code = `${OPEN}${LOG} process.exitCode = 3; throw new Error('failed');`;
  const { status, stderr } = await run(code, [directory(t)]);
  assert.equal(status, 1);
  assert.match(stderr, /Error: failed/);
});

test('a program may leave while it finishes a session', async (t) => {
  const offlineDir = directory(t);
  const { status, stderr } = await run(`${OPEN}${LOG} client.finish(); process.exit(0);`, [offlineDir]);
  assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(numbers(offlineDir), ALL);
});

test('handlers of the exit may log', async (t) => {
  const offlineDir = directory(t);
  const code = `${OPEN} const call = client.startCall('f', { n: 1 }); process.on('exit', () => call.end('late'));`;
  const { status, stderr } = await run(code, [offlineDir]);
  assert.deepEqual([status, stderr], [0, '']);
  session(t, { offlineDir }).flushSync();
  assert.equal(lines(offlineDir).find(({ type }) => type === 'call_end').data.end.output, 'late');
});

/** A server that takes connections and never answers. */
async function mute(t) {
  const connections = new Set();
  const made = net.createServer((connection) => connections.add(connection.on('error', () => {})));
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  t.after(() => {
    made.close();
    connections.forEach((connection) => connection.destroy());
  });
  const url = `http://127.0.0.1:${/** @type {net.AddressInfo} */ (made.address()).port}`;
  return { made, settings: { apiKey: 'k'.repeat(40), baseUrl: url, traceServerUrl: url } };
}

test('process.exit ends a sync that waits for a server', async (t) => {
  const { made, settings } = await mute(t);
  const offlineDir = directory(t);
  const code = `${OPEN}${LOG} client.finishSync(); process.stdin.once('data', () => process.exit(7));
    weave.sync({ offlineDir: given[0], ...JSON.parse(given[1]) });`;
  const started = program(code, [offlineDir, JSON.stringify(settings)]);
  await once(made, 'connection');
  started.stdin.write('\n');
  assert.equal((await ended(started)).status, 7);
  assert.equal((await weave.directoryStats({ offlineDir })).projects['team/project'].calls.pending_files, 1);
});

test('process.exit ends a flush that waits for a server', async (t) => {
  const { made, settings } = await mute(t);
  const code = `const client = new weave.Client('team/project', { offlineDir: given[0], ...JSON.parse(given[1]) });
    ${LOG} process.stdin.once('data', () => process.exit(7)); client.flush(); console.log('flushing');`;
  const started = program(code, [directory(t), JSON.stringify(settings)]);
  made.on('connection', () => {});
  await once(started.stdout, 'data');
  started.stdin.write('\n');
  const { status, stderr } = await ended(started);
  assert.equal(status, 7);
  assert.match(stderr, /WeaveWarning: team\/project: not flushed when the program ended: /);
});

test('an online session is sent at the end of a program', async (t) => {
  const { answers, settings } = await server(t);
  const sent = [];
  answers['/v2/team/project/calls/complete'] = (body) => { sent.push(body); };
  const code = "new weave.Client('team/project', { offlineDir: given[0], ...JSON.parse(given[1]) }).logCall('last');";
  const { status } = await run(code, [directory(t), JSON.stringify(settings)]);
  assert.equal(status, 0);
  assert.match(sent.join(), /"op_name":"last"/);
});

/** Begins a thread of the text, which finds the package as `weave` and what it is given as `given`. */
function thread(code, given) {
  const begin = `const { parentPort, workerData: given } = require('node:worker_threads');
    const weave = require(${JSON.stringify(PACKAGE)});`;
  return new Worker(begin + code, { eval: true, workerData: given });
}

test('several threads log at once, each with a session of its own', async (t) => {
  const client = session(t);
  const code = `const client = new weave.Client('team/project', { offline: true, offlineDir: given[0] });
    for (let n = 0; n < 500; n++) client.logCall('f', { n: 500 * given[1] + n });`;
  await Promise.all([0, 1, 2, 3].map((place) => once(thread(code, [client.offlineDir, place]), 'exit')));
  client.flushSync();
  const seen = new Set(lines(client.offlineDir).map((line) => line.data.inputs.n));
  assert.equal(seen.size, 2000);
});

test('a thread may await what waits, and end, be ended or leave by process.exit', async (t) => {
  const offlineDir = directory(t);
  const code = `(async () => {
    const client = new weave.Client('team/project', { offline: true, offlineDir: given[0], filter: (_, data) => data });
    for (let n = 0; n < 100; n++) client.logCall('f', { n });
    await client.flush();
    client.logCall('f', { n: 100 });
    parentPort.postMessage('flushed');
    if (given[1] === 'exit') process.exit();
    if (given[1] === 'terminate') setInterval(() => {}, 1000);
  })();`;
  for (const end of ['end', 'exit', 'terminate']) {
    const worker = thread(code, [offlineDir, end]);
    const exited = once(worker, 'exit');
    await once(worker, 'message');
    if (end === 'terminate') await worker.terminate();
    await exited;
  }
  assert.deepEqual(numbers(offlineDir), [...ALL, 100].flatMap((n) => [n, n, n]));
});

test('a thread that ends leaves nothing of its sessions in memory', async (t) => {
  const offlineDir = directory(t);
  const code = `const client = new weave.Client('team/project', { offline: true, offlineDir: given[0] });
    client.logCall('f', {}); if (given[1]) client.finish();`;
  for (const finishes of [true, false]) await once(thread(code, [offlineDir, finishes]), 'exit');
  assert.equal(lines(offlineDir).length, 2);
  assert.ok(!fs.readFileSync('/proc/self/maps', 'utf8').includes(offlineDir));
});

test('the error of a thread is its own', async (t) => {
  const offlineDir = directory(t);
  const code = `const client = new weave.Client('team/project', { offline: true, offlineDir: given[0] });
    const wrong = [];
    for (let n = 0; n < 300; n++) {
      try {
        client.startCall('f', {}, { [given[1]]: 'no id' });
      } catch ({ message }) {
        if (!message.startsWith(given[1].replace('I', '_i') + ':')) wrong.push(message);
      }
    }
    parentPort.postMessage(wrong);`;
  const told = await Promise.all(['id', 'traceId'].map((field) => once(thread(code, [offlineDir, field]), 'message')));
  assert.deepEqual(told, [[[]], [[]]]);
});

test('a program may be replaced by others, each with a session and files of its own', async (t) => {
  const offlineDir = directory(t);
  const code = `${OPEN} const parent = client.startCall('parent');
    const child = require('node:child_process')
      .spawn(process.execPath, ['-e', given[1], given[0], parent.context], { stdio: 'inherit' });
    child.on('exit', () => { parent.end(); weave.finish(); });`;
  const child = `const weave = require(${JSON.stringify(PACKAGE)}); const given = process.argv.slice(1);
    ${OPEN} client.logCall('child', {}, null, { parentContext: given[1] });`;
  await run(code, [offlineDir, child]);
  const calls = callsOf(session(t, { offlineDir }));
  assert.equal(calls.child.parent_id, calls.parent.id);
});

const GC = { skip: !global.gc && 'needs --expose-gc' };

test('a session that nobody holds any more is freed', GC, async (t) => {
  const offlineDir = directory(t);
  const journals = () => fs.readdirSync(path.join(offlineDir, '.weave', 'journals')).length;
  for (const filter of [undefined, (_, data) => data]) {
    new weave.Client('team/project', { offline: true, offlineDir, filter }).startCall('f').run(() => {});
  }
  assert.equal(journals(), 1);
  // The last session of a directory takes the journal with it. Finalizers run between other tasks.
  while (journals() > 0) {
    global.gc();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.equal(lines(offlineDir).length, 2);
});

test('calls take no memory when they have ended, or nobody holds them', GC, async (t) => {
  const client = session(t);
  const log = (end) => {
    for (let n = 0; n < 100_000; n++) {
      const call = client.startCall('f');
      if (end) call.end();
    }
  };
  const round = async () => {
    log(true);
    log(false);
    global.gc();
    await new Promise((resolve) => { setImmediate(resolve); });
    return process.memoryUsage().rss;
  };
  const before = await round();
  await round();
  // What is not freed has about 1 KB.
  const grown = await round() - before;
  assert.ok(grown < 150 << 20, `${grown >> 20} MiB`);
});

test('a session lives until what is awaited of it is done', GC, async (t) => {
  const offlineDir = directory(t);
  const waiting = [];
  for (let round = 0; round < 20; round++) {
    const client = new weave.Client('team/project', { offline: true, offlineDir });
    client.logCall('f', { n: round });
    waiting.push(round % 2 ? client.flush() : client.finish());
  }
  global.gc();
  await Promise.all(waiting);
  assert.equal(numbers(offlineDir).length, 20);
});
