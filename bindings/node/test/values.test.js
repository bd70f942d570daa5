// Values as JSON, and how they come to the disk.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { weave, session, texts, callsOf } = require('./helpers.js');
const { encode, parse } = require('../lib/values.js');

/** The JSON text that stands for a value on the disk. */
function stored(t, value) {
  const client = session(t);
  client.logCall('f', { value });
  client.flushSync();
  const [text] = texts(client.offlineDir);
  return /"inputs":\{"value":(.*)\},"summary"/.exec(text)[1];
}

const SAME = [null, true, 0.5, 5e-324, '', 'Zürich 東京 😀 "quoted" \\ /\t\u0001\u007f', 'a\0b', [], {},
  { '': 1, 'with space': 2, ключ: 3, __proto__: null }, [[{ a: [1, { b: 2 }] }]]];

test('plain values are as JSON.stringify makes them', () => {
  for (const value of SAME) assert.equal(encode(value, 'value'), JSON.stringify(value));
  assert.equal(encode({ a: undefined, b: () => 1, c: Symbol('c'), d: [undefined] }, 'value'), '{"d":[null]}');
  assert.equal(encode(undefined, 'value'), undefined);
});

test('text and numbers come to the disk as they are', (t) => {
  assert.equal(stored(t, SAME[5]), JSON.stringify(SAME[5]));
  assert.equal(stored(t, 'a\0b'), '"a\\u0000b"');
  assert.equal(stored(t, [0.5, 5e-324, 9007199254740991]), '[0.5,5e-324,9007199254740991]');
});

test('BigInts are whole numbers, exactly', (t) => {
  assert.equal(stored(t, [2n ** 53n + 1n, -(2n ** 63n), 2n ** 64n - 1n]),
    '[9007199254740993,-9223372036854775808,18446744073709551615]');
});

test('what is no number is null', (t) => {
  assert.equal(stored(t, [NaN, -Infinity]), '[null,null]');
});

test('halves of surrogate pairs in values are repaired by the library', (t) => {
  assert.equal(stored(t, 'a\ud800b'), '"a\ufffdb"');
});

test('dates, and whatever has a toJSON, say themselves what stands for them', () => {
  assert.equal(encode({ at: new Date(0), url: new URL('http://x/') }, 'value'),
    '{"at":"1970-01-01T00:00:00.000Z","url":"http://x/"}');
  assert.equal(encode({ key: { toJSON: (key) => [key, 1n] } }, 'value'), '{"key":["key",1]}');
});

test('maps, sets and typed arrays keep what is in them', () => {
  assert.equal(encode(new Map([['a', new Set([1, 2n])]]), 'value'), '{"a":[1,2]}');
  assert.equal(encode(new Map(/** @type {any} */ ([[1, 'a'], [{}, 'b']])), 'value'), '[[1,"a"],[{},"b"]]');
  assert.equal(encode([new Float32Array([0.5, NaN]), new BigInt64Array([-1n])], 'value'), '[[0.5,null],[-1]]');
});

test('errors tell their name, message and own members', () => {
  const error = Object.assign(new RangeError('too far'), { limit: 3 });
  assert.equal(encode([error], 'value'), '[{"name":"RangeError","message":"too far","limit":3}]');
});

test('objects of classes and boxed values are as JSON.stringify makes them', () => {
  class Point { x = 1; #hidden = 2; get y() { return this.#hidden; } }
  const value = { point: new Point(), boxed: [Object('a'), Object(1), Object(false)], bare: Object.create(null) };
  assert.equal(encode({ ...value, big: 1n }, 'value'), `${JSON.stringify(value).slice(0, -1)},"big":1}`);
});

test('a value that contains itself is refused with its place', () => {
  const value = { list: [{}] };
  value.list[0]['self'] = value;
  const message = /^inputs\.list\[0\]\.self: it contains itself/;
  assert.throws(() => encode(value, 'inputs'), { code: 'WEAVE_INVALID_JSON', message });
});

test('a value in two places is no value that contains itself', () => {
  const twice = new Set([1]);
  assert.equal(encode([twice, twice], 'value'), '[[1],[1]]');
});

test('an exception of a value\'s own code becomes an error with the field', () => {
  const value = { get broken() { throw new TypeError('boom'); } };
  assert.throws(() => encode(value, 'output'), { code: 'WEAVE_INVALID_JSON', message: /^output: .*boom/ });
});

test('values that are nested too deeply are refused', (t) => {
  for (const [depth, code] of Object.entries({ 300: 'WEAVE_REJECTED', 100_000: 'WEAVE_INVALID_JSON' })) {
    let value = [];
    for (let level = 0; level < Number(depth); level++) value = [value];
    assert.throws(() => session(t).logCall('f', { value }), { code, message: /^inputs: / });
  }
});

test('JSON that is text already goes in as it is', (t) => {
  const text = '{"big":123456789012345678901234567890,"one":1.0,"bare":NaN}';
  assert.equal(stored(t, [weave.rawJson(text)]), `[${text.replace('NaN', 'null')}]`);
  const client = session(t);
  client.logCall('f', weave.rawJson('{"one": 1.0}'), weave.rawJson('2.0'));
  client.logCalls(weave.rawJson('[{"op_name": "g"}]'));
  assert.deepEqual(Object.keys(callsOf(client)).sort(), ['f', 'g']);
});

test('text that is no JSON is refused', (t) => {
  const client = session(t);
  for (const text of ['{', '{}x', '{"a":1}{']) {
    assert.throws(() => client.logCall('f', weave.rawJson(text)), { code: 'WEAVE_INVALID_JSON', message: /^inputs: / });
  }
  for (const text of ['1,2', '1],"more":[2']) {
    assert.throws(() => client.logCall('f', { a: [weave.rawJson(text)] }),
      { code: 'WEAVE_INVALID_JSON', message: /^inputs\.a\[0\]: / });
  }
  for (const [text, code] of [['{}\0', 'WEAVE_INVALID_JSON'], ['"\ud800"', 'WEAVE_INVALID_UTF8']]) {
    assert.throws(() => client.logCall('f', weave.rawJson(text)), { code, message: /^inputs: / });
    assert.throws(() => client.logCall('f', { a: [weave.rawJson(text)] }), { code, message: /^inputs\.a\[0\]: / });
  }
  assert.throws(() => weave.rawJson(/** @type {any} */ ({})), { code: 'WEAVE_INVALID_ARGUMENT' });
});

test('a text of a megabyte, and one of a record that is too large', (t) => {
  const client = session(t);
  const long = 'x'.repeat(1_000_000);
  client.logCall('f', { long });
  assert.equal(callsOf(client).f.inputs.long, long);
  assert.throws(() => client.logCall('f', { long: 'x'.repeat(32 << 20) }), { code: 'WEAVE_TOO_LARGE' });
});

test('reading keeps whole numbers that a double does not hold', () => {
  const text = '{"a":[9007199254740993,-9223372036854775808],"b":"9007199254740993 \\" 9007199254740993",'
    + '"c":9007199254740991,"d":1234567890123456.5,"e":12345678901234567e2}';
  assert.deepEqual(parse(text), {
    a: [9007199254740993n, -9223372036854775808n], b: '9007199254740993 " 9007199254740993', c: 9007199254740991,
    d: 1234567890123456.5, e: 12345678901234567e2,
  });
  assert.deepEqual(parse('{"a":[1,"x"]}'), { a: [1, 'x'] });
});
