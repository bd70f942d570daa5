// Ops: what is logged of each kind of function, and that the function behaves as without.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setTimeout: pause } = require('node:timers/promises');
const { weave, directory, session, programSession, callsOf, lines, run } = require('./helpers.js');

test('a plain function is logged with its inputs and output', (t) => {
  const client = programSession(t);
  const add = weave.op(function add(a, b) { return a + b; });
  assert.equal(add(1, 2), 3);
  assert.deepEqual([add.name, add.length], ['add', 2]);
  const call = callsOf(client).add;
  assert.deepEqual([call.inputs, call.output], [{ arg0: 1, arg1: 2 }, 3]);
});

test('the members of an object that is the only argument are the inputs', (t) => {
  const client = programSession(t);
  const options = { name: 'greet', kind: 'tool', displayName: 'Greet', attributes: { a: 1 } };
  weave.op(({ name }) => name, options)({ name: 'Ada' });
  const { greet } = callsOf(client);
  assert.deepEqual([greet.inputs, greet.display_name, greet.attributes.a], [{ name: 'Ada' }, 'Greet', 1]);
  assert.equal(greet.attributes.weave.kind, 'tool');
});

test('what is recorded may be chosen', (t) => {
  const client = programSession(t);
  const login = weave.op((user, _) => ({ user, token: 'secret' }), {
    name: 'login', inputs: (user) => ({ user }), output: ({ user }) => user,
  });
  assert.deepEqual(login('ada', 'password'), { user: 'ada', token: 'secret' });
  const call = callsOf(client).login;
  assert.deepEqual([call.inputs, call.output], [{ user: 'ada' }, 'ada']);
});

test('a session has ops of its own', (t) => {
  const client = session(t);
  const double = client.op('double', (x) => 2 * x, { inputs: (x) => ({ x }) });
  assert.equal(double(2), 4);
  assert.deepEqual(callsOf(client).double.inputs, { x: 2 });
});

test('a method keeps its object', (t) => {
  const client = programSession(t);
  class Counter {
    count = 1;
    next = weave.op(function next() { return this.count++; });
  }
  assert.equal(new Counter().next(), 1);
  assert.equal(callsOf(client).next.output, 1);
});

test('an exception is recorded and goes on', (t) => {
  const client = programSession(t);
  const error = new TypeError('no');
  assert.throws(() => weave.op(() => { throw error; }, { name: 'f' })(), (thrown) => thrown === error);
  const exception = JSON.parse(callsOf(client).f.exception);
  assert.deepEqual([exception.type, exception.message], ['TypeError', 'no']);
});

test('an async function is logged when it is settled', async (t) => {
  const client = programSession(t);
  const good = weave.op(async (x) => { await pause(1); return x; }, { name: 'good' });
  const bad = weave.op(async () => { await pause(1); throw new RangeError('far'); }, { name: 'bad' });
  assert.equal(await good(5), 5);
  await assert.rejects(bad(), RangeError);
  const calls = callsOf(client);
  assert.deepEqual([calls.good.output, JSON.parse(calls.bad.exception).type], [5, 'RangeError']);
});

test('a rejection that nobody handles ends the program as without the op', async (t) => {
  const code = `weave.init('p', { offline: true, offlineDir: given[0] });
    weave.op(async () => { throw new Error('nobody'); }, { name: 'f' })();`;
  const { status, stderr } = await run(code, [directory(t)]);
  assert.equal(status, 1);
  assert.match(stderr, /Error: nobody/);
});

test('what has a then is asked once', async (t) => {
  const client = programSession(t);
  let asked = 0;
  const query = { then(fulfil) { asked++; fulfil(asked); } };
  const f = /** @type {() => Promise<number>} */ (/** @type {any} */ (weave.op(() => query, { name: 'f' })));
  assert.equal(await f(), 1);
  assert.equal(asked, 1);
  assert.equal(callsOf(client).f.output, 1);
});

test('a result that refuses to be asked for a then is handed on', (t) => {
  const client = programSession(t);
  const strict = new Proxy({}, { get() { throw new Error('strict'); } });
  assert.equal(weave.op(() => strict, { name: 'f', output: () => 'strict' })(), strict);
  assert.equal(callsOf(client).f.output, 'strict');
});

test('a generator is logged with what it yields', (t) => {
  const client = programSession(t);
  const count = weave.op(function* count(n) {
    for (let i = 0; i < n; i++) yield i;
    return 'end';
  });
  assert.deepEqual([...count(3)], [0, 1, 2]);
  assert.deepEqual(callsOf(client).count.output, [0, 1, 2]);
  const steps = count(1);
  assert.deepEqual([steps.next(), steps.next(), steps.next()],
    [{ value: 0, done: false }, { value: 'end', done: true }, { value: undefined, done: true }]);
});

test('a generator is told what it is sent, and may be left', (t) => {
  const client = programSession(t);
  const seen = [];
  const echo = weave.op(function* echo() {
    try {
      for (;;) seen.push(yield seen.length);
    } catch (error) {
      seen.push(error.message);
      yield 'caught';
    } finally {
      seen.push('left');
    }
  }, { output: (values) => values.length });
  const steps = /** @type {Generator<unknown, unknown, unknown>} */ (echo());
  steps.next();
  steps.next('a');
  assert.equal(steps.throw(new Error('b')).value, 'caught');
  assert.deepEqual(steps.return('c'), { value: 'c', done: true });
  assert.deepEqual(seen, ['a', 'b', 'left']);
  assert.equal(callsOf(client).echo.output, 3);
});

test('a generator that fails is recorded as failed, and one that never began not at all', (t) => {
  const client = programSession(t);
  const fail = weave.op(function* fail() { yield 1; throw new Error('half way'); });
  assert.throws(() => [...fail()], /half way/);
  assert.deepEqual(/** @type {any} */ (fail()).return(1), { value: 1, done: true });
  client.flushSync();
  const calls = lines(client.offlineDir).map((line) => line.data);
  assert.equal(calls.length, 1);
  assert.equal(JSON.parse(calls[0].exception).message, 'half way');
});

test('an async generator is logged with what it yields', async (t) => {
  const client = programSession(t);
  const left = [];
  const stream = weave.op(async function* stream(n) {
    try {
      for (let i = 0; i < n; i++) { await pause(1); yield i; }
    } finally {
      left.push(n);
    }
  });
  const read = [];
  for await (const value of stream(3)) read.push(value);
  assert.deepEqual(read, [0, 1, 2]);
  assert.deepEqual(callsOf(client).stream.output, [0, 1, 2]);
  for await (const value of stream(9)) if (value === 1) break;
  assert.deepEqual(callsOf(client).stream.output, [0, 1]);
  assert.deepEqual(left, [3, 9]);
});

test('an async generator that fails is recorded as failed', async (t) => {
  const client = programSession(t);
  const fail = weave.op(async function* fail() { yield 1; throw new Error('half way'); });
  await assert.rejects(async () => { for await (const _ of fail()); }, /half way/);
  assert.equal(JSON.parse(callsOf(client).fail.exception).message, 'half way');
});

/** The names of the calls that were logged, each below its parent's. */
function paths(client) {
  client.flushSync();
  const calls = lines(client.offlineDir).map((line) => line.data);
  const byId = Object.fromEntries(calls.map((call) => [call.id, call]));
  const place = (call) => (call.parent_id ? `${place(byId[call.parent_id])}/${call.op_name}` : call.op_name);
  return calls.map(place).sort();
}

test('calls inside are children, over await, timers, promises and callbacks', async (t) => {
  const client = programSession(t);
  const leaf = (name) => weave.op(() => name, { name });
  const outer = weave.op(async (name) => {
    leaf(`${name}-at-once`)();
    await pause(2);
    leaf(`${name}-awaited`)();
    await new Promise((resolve) => { setTimeout(() => resolve(leaf(`${name}-timer`)()), 1); });
    await Promise.resolve().then(leaf(`${name}-then`));
    await new Promise((resolve) => { setImmediate(() => process.nextTick(() => resolve(leaf(`${name}-tick`)()))); });
  }, { name: 'outer' });
  await Promise.all([outer('a'), outer('b')]);
  const leaves = ['at-once', 'awaited', 'timer', 'then', 'tick'].flatMap((end) => [`outer/a-${end}`, `outer/b-${end}`]);
  assert.deepEqual(paths(client), ['outer', 'outer', ...leaves].sort());
});

test('calls inside a generator are its children, and those between its steps are not', (t) => {
  const client = programSession(t);
  const inside = weave.op(() => 1, { name: 'inside' });
  const between = weave.op(() => 2, { name: 'between' });
  const steps = weave.op(function* steps() { inside(); yield 1; inside(); yield 2; });
  weave.op(() => { for (const _ of steps()) between(); }, { name: 'outer' })();
  assert.deepEqual(paths(client), ['outer', 'outer/between', 'outer/between', 'outer/steps', 'outer/steps/inside',
    'outer/steps/inside']);
});

test('a call that is run is the parent of what it runs, and no further', async (t) => {
  const client = session(t);
  const call = client.startCall('outer');
  await call.run(async () => {
    await pause(1);
    assert.equal(weave.currentCall(), call);
    client.logCall('inside');
    client.logCall('root', {}, null, { parent: null });
  });
  assert.equal(weave.currentCall(), undefined);
  client.logCall('outside');
  call.end();
  assert.deepEqual(paths(client), ['outer', 'outer/inside', 'outside', 'root']);
});

test('attributes and threads hold for every call inside', (t) => {
  const client = programSession(t);
  const f = (name) => weave.op(() => 1, { name, attributes: { own: name } })();
  weave.withAttributes({ env: { a: 1, b: 1 } }, () => weave.withThread('session-1', () => {
    f('both');
    weave.withAttributes({ env: { b: 2 } }, () => f('merged'));
    weave.withThread(null, () => f('none'));
  }));
  f('outside');
  const { both, merged, none, outside } = callsOf(client);
  const told = ({ attributes: { env, own }, thread_id: thread }) => [env, own, thread];
  assert.deepEqual(told(both), [{ a: 1, b: 1 }, 'both', 'session-1']);
  assert.deepEqual(told(merged), [{ a: 1, b: 2 }, 'merged', 'session-1']);
  assert.deepEqual(told(none), [{ a: 1, b: 1 }, 'none', undefined]);
  assert.deepEqual(told(outside), [undefined, 'outside', undefined]);
});

test('without a session an op is the function alone', () => {
  assert.equal(weave.op((x) => x, { name: 'f' })(1), 1);
});

test('a function without a name needs one, and an option that is not known is refused', () => {
  assert.throws(() => weave.op(() => 1), { name: 'WeaveError', message: /no name/ });
  const odd = /** @type {any} */ ({ name: 'f', colour: 'red' });
  assert.throws(() => weave.op(() => 1, odd), { message: /no such setting: colour/ });
  assert.throws(() => weave.op(/** @type {any} */ ('f')), { message: /give a function/ });
});

/** The warnings that the process gives while something is done. */
async function warned(action) {
  const told = [];
  const listen = (warning) => told.push(warning);
  process.on('warning', listen);
  await action();
  await pause(1);
  process.off('warning', listen);
  return told.map(({ name, message }) => `${name}: ${message}`);
}

test('inputs that cannot be logged are replaced by the reason', async (t) => {
  const client = programSession(t);
  const fail = weave.op((x) => x, { name: 'fail', inputs: () => { throw new Error('no inputs'); } });
  const told = await warned(() => assert.equal(fail(1), 1));
  assert.deepEqual(told, ['WeaveWarning: fail: its inputs are not logged: no inputs']);
  assert.deepEqual(callsOf(client).fail.inputs, { not_logged: 'no inputs' });
  assert.deepEqual(await warned(() => fail(2)), [], 'the same is told once');
});

test('what was thrown fails the call, whatever it is', async (t) => {
  const client = programSession(t);
  const thrown = {
    numbered: { type: 404, message: 'Not found' },
    surrogate: { message: 'a\ud800b' },
    broken: Object.defineProperty(new Error(), 'message', { get() { throw new Error('no text'); } }),
  };
  await warned(() => {
    for (const [name, error] of Object.entries(thrown)) {
      assert.throws(weave.op(() => { throw error; }, { name }));
    }
  });
  const calls = callsOf(client);
  const failures = Object.fromEntries(Object.keys(thrown).map((name) => [name, JSON.parse(calls[name].exception)]));
  assert.deepEqual([failures.numbered.type, failures.numbered.message], ['404', 'Not found']);
  assert.equal(failures.surrogate.message, 'a\ufffdb');
  assert.match(failures.broken.message, /is not logged: no text/);
});

test('an output that cannot be stored is replaced by the reason', async (t) => {
  const client = programSession(t);
  const circle = {};
  circle.self = circle;
  const told = await warned(() => weave.op(() => circle, { name: 'circle' })());
  assert.match(told[0], /circle: its output is not logged: output\.self: it contains itself/);
  assert.match(callsOf(client).circle.output.not_logged, /it contains itself/);
});

test('an op that outlives its session ends without a word to its caller', async (t) => {
  const client = programSession(t);
  const told = await warned(() => {
    assert.equal(weave.op(() => { client.finishSync(); return 'result'; }, { name: 'late' })(), 'result');
  });
  assert.match(told[0], /late: its output is not logged: the client is finished/);
});
