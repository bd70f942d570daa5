// The declarations against the header, finding the library, and errors.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { PACKAGE, ROOT, weave, directory, run, session } = require('./helpers.js');
const { declarations } = require('../lib/declarations.js');

const HEADER = fs.readFileSync(path.join(ROOT, 'include', 'weave.h'), 'utf8');
const SCALARS = {
  weave_status: 'int32_t', int32_t: 'int32_t', int64_t: 'int64_t', uint64_t: 'uint64_t', size_t: 'size_t',
  ptrdiff_t: 'intptr_t', double: 'double', bool: 'bool', void: 'void', weave_filter_fn: 'filter',
  weave_progress_fn: 'progress',
};

/** The declared type of what the header calls `const char *name` or `weave_client **client`. */
function typeOf(declared) {
  const stars = declared.split('*').length - 1;
  const [name] = declared.replace(/\bconst\b|\bWEAVE_NODISCARD\b|\*/g, ' ').trim().split(/\s+/);
  if (stars === 0) return SCALARS[name];
  if (stars === 2) return name === 'char' ? 'out text' : '_Out_ void **';
  if (name === 'char') return /\bconst\b/.test(declared) ? 'str' : 'void *';
  return name === 'uint64_t' ? '_Out_ uint64_t *' : 'void *';
}

function header() {
  const code = HEADER.replace(/\/\*[^]*?\*\/|^#.*$/gm, '');
  return Object.fromEntries([...code.matchAll(/([\w\s*]+?)\b(weave_\w+)\s*\(([^()]*)\)\s*;/g)]
    .map(([, answer, name, takes]) => [name, [
      typeOf(answer), takes.trim() === 'void' ? [] : takes.split(',').map(typeOf)]]));
}

test('every declaration is the header\'s', () => {
  const declared = declarations(/** @type {any} */ ({ outText: 'out text', filter: 'filter', progress: 'progress' }));
  const found = header();
  assert.ok(Object.keys(found).length > 100);
  for (const [name, types] of Object.entries(declared)) assert.deepEqual(types, found[name], name);
});

test('the struct of progress is the header\'s', () => {
  const [, members] = /typedef struct \{([^]*?)\} weave_progress;/.exec(HEADER.replace(/\/\*[^]*?\*\//g, ''));
  const found = members.split(';').map((member) => member.trim()).filter(Boolean)
    .map((member) => [member.match(/\w+$/)[0], typeOf(member)]);
  assert.deepEqual(found, [['size', 'size_t'], ['project', 'str'], ['kind', 'str'], ['synced', 'uint64_t'],
    ['errors', 'uint64_t']]);
});

test('the version is the header\'s', () => {
  const [, version] = /#define WEAVE_VERSION "(.*)"/.exec(HEADER);
  assert.equal(require('../package.json').version, version);
  assert.equal(weave.version(), version);
});

test('an error has the library\'s text, its number and a code', (t) => {
  const client = session(t);
  assert.throws(() => client.logCall('x'.repeat(129)), (error) => {
    assert.ok(error instanceof weave.WeaveError && error instanceof Error);
    assert.match(error.message, /op_name/);
    assert.deepEqual([error.name, error.status, error.code], ['WeaveError', 4, 'WEAVE_INVALID_NAME']);
    return true;
  });
});

test('an error of any length is whole', (t) => {
  const name = `${'n'.repeat(3000)}/${'m'.repeat(3000)}/z`;
  const end = /[^n]$/;
  assert.throws(() => new weave.Client(name, { offline: true, offlineDir: directory(t) }), end);
});

test('an error of what was awaited has the text of the thread that failed', async (t) => {
  const offlineDir = directory(t);
  const errors = await Promise.all(['one', 'two', 'three', 'four'].map(async (kind) => {
    try {
      await weave.listRejected({ offlineDir, kind });
    } catch (error) {
      return error.message;
    }
  }));
  errors.forEach((text, place) => assert.match(text, new RegExp(['one', 'two', 'three', 'four'][place])));
});

test('the names can be imported', async () => {
  const imported = await import('../index.js');
  for (const name of Object.keys(weave)) assert.equal(imported[name], weave[name], name);
});

const OPEN = "new weave.Client('p', { offline: true, offlineDir: 'offline' }); console.log('open');";

test('a library that is not there is told with its path', async (t) => {
  const cwd = directory(t);
  const { status, stderr } = await run(OPEN, [], { cwd, environment: { WEAVE_LIBRARY: './no.so' } });
  assert.equal(status, 1);
  assert.ok(stderr.includes(`Tried: ${fs.realpathSync(cwd)}/no.so`), stderr);
  assert.match(stderr, /set WEAVE_LIBRARY/);
});

test('another library is not taken for it', async (t) => {
  const { stderr } = await run(OPEN, [], { cwd: directory(t), environment: { WEAVE_LIBRARY: 'libc.so.6' } });
  assert.match(stderr, /libc\.so\.6 \(another library of that name\)/);
});

test('every place that was tried is told', async (t) => {
  const { stderr } = await run(OPEN, [], { cwd: directory(t), environment: { WEAVE_LIBRARY: '' } });
  assert.ok(stderr.includes(path.join(PACKAGE, 'libweave.so')), stderr);
  assert.match(stderr, /; libweave\.so\.0 \(.*; libweave\.so \(/);
});

/** A copy of the package that may be changed. */
function copied(t) {
  const copy = directory(t);
  for (const name of ['index.js', 'lib', 'package.json']) {
    fs.cpSync(path.join(PACKAGE, name), path.join(copy, name), { recursive: true });
  }
  fs.symlinkSync(path.join(PACKAGE, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

test('the library may lie beside the package', async (t) => {
  const copy = copied(t);
  fs.copyFileSync(process.env.WEAVE_LIBRARY, path.join(copy, 'libweave.so'));
  const code = `{ const weave = require(${JSON.stringify(copy)}); ${OPEN} }`;
  const { stdout, stderr } = await run(code, [], { cwd: copy, environment: { WEAVE_LIBRARY: '' } });
  assert.equal(stdout, 'open\n', stderr);
});

test('another version of the library is refused', async (t) => {
  const copy = copied(t);
  const manifest = path.join(copy, 'package.json');
  fs.writeFileSync(manifest, fs.readFileSync(manifest, 'utf8').replace('"version": "0.1.0"', '"version": "0.2.0"'));
  const { stderr } = await run(`{ const weave = require(${JSON.stringify(copy)}); ${OPEN} }`, [], { cwd: copy });
  assert.match(stderr, /is version 0\.1\..*, and this package was written for 0\.2\.0; install the two together/);
});

test('a program that only requires the package needs no library', async (t) => {
  const code = "console.log(weave.op(() => 'ran', { name: 'f' })());";
  const { stdout } = await run(code, [], { cwd: directory(t), environment: { WEAVE_LIBRARY: 'nowhere' } });
  assert.equal(stdout, 'ran\n');
});

for (const [what, name, status] of /** @type {[string, any, number][]} */ ([
  ['a NUL', 'a\0b', 1], ['half of a surrogate pair', 'a\ud800b', 2], ['no text', 5, 1]])) {
  test(`${what} in a name is refused`, (t) => {
    const client = session(t);
    assert.throws(() => client.publishObject(name, {}), { name: 'WeaveError', status, message: /^name: / });
    assert.throws(() => client.logCall(name), { name: 'WeaveError', status, message: /^op: / });
  });
}
