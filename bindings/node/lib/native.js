// The C interface through koffi: finding the shared library, calling it, its texts and its errors. Nothing else knows
// koffi.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const koffi = require('koffi');
const { declarations } = require('./declarations.js');
const { WeaveError, invalid, kindOf, INVALID_UTF8 } = require('./errors.js');
const { version } = require('../package.json');

/** The member of sessions and calls that has what the library made. */
const HANDLE = Symbol('handle');
/** Where the library writes an id, with its NUL, as the last thing before it returns. */
const idPlace = Buffer.alloc(40);

const filterType = koffi.proto('int32_t', ['void *', 'void *']);
const progressType = koffi.proto('int32_t', ['void *', 'void *']);
const progressStruct = koffi.struct({
  size: 'size_t', project: 'str', kind: 'str', synced: 'uint64_t', errors: 'uint64_t',
});

/** The declared functions, when the library is loaded. */
let functions = null;
/** Where they were found. A thread that was given their addresses has none. */
let loaded = null;

/** Where the library is looked for, in this order. WEAVE_LIBRARY is a decision, not a hint. */
function candidates() {
  const given = process.env.WEAVE_LIBRARY;
  // What has no folder in it is the system's to find.
  if (given) return [path.basename(given) === given ? given : path.resolve(given)];
  const elsewhere = { darwin: ['libweave.dylib'], win32: ['weave.dll'] };
  const names = elsewhere[process.platform] ?? ['libweave.so.0', 'libweave.so'];
  const beside = names.map((name) => path.join(__dirname, '..', name));
  const present = beside.filter((file) => fs.existsSync(file));
  return present.length > 0 ? present : [beside[beside.length - 1], ...names];
}

function open() {
  const tried = [];
  for (const candidate of candidates()) {
    let library;
    try {
      library = koffi.load(candidate);
    } catch (error) {
      tried.push(`${candidate} (${error.message})`);
      continue;
    }
    try {
      library.symbol('weave_version');
    } catch {
      tried.push(`${candidate} (another library of that name)`);
      continue;
    }
    checkVersion(library.func('weave_version', 'str', [])(), candidate);
    functions = declared((name, answer, takes) => {
      try {
        return library.func(name, answer, takes);
      } catch {
        throw invalid(`${candidate} has no function ${name}: it is older than this package; install the two together`);
      }
    });
    loaded = library;
    return functions;
  }
  throw invalid('the shared library of libweave cannot be loaded; build it and set WEAVE_LIBRARY to its path. '
    + `Tried: ${tried.join('; ')}`);
}

/** Before 1.0 a minor version may change functions, afterwards only a major one. */
function checkVersion(found, candidate) {
  const parts = version.startsWith('0.') ? 2 : 1;
  const begin = (text) => text.split('.').slice(0, parts).join('.');
  if (begin(found) !== begin(version)) {
    throw invalid(`${candidate} is version ${found}, and this package was written for ${version}; install the two `
      + 'together');
  }
}

/** The declared functions, each as `find` has it. */
function declared(find) {
  const text = koffi.disposable('str', find('weave_string_free', 'void', ['void *']));
  const types = {
    outText: koffi.out(koffi.pointer(text)), filter: koffi.pointer(filterType), progress: koffi.pointer(progressType),
  };
  const found = {};
  for (const [name, [answer, takes]] of Object.entries(declarations(types))) found[name] = find(name, answer, takes);
  return found;
}

/** The functions of the library, which is loaded when it is first needed. */
function library() {
  return functions ?? open();
}

/** Where the functions are, for another thread of this process. */
function addresses() {
  library();
  const found = { weave_string_free: loaded.symbol('weave_string_free') };
  for (const name of Object.keys(functions)) found[name] = loaded.symbol(name);
  return found;
}

/**
 * Calls the functions at the addresses that another thread found. By the library's path, a file that was replaced
 * meanwhile would be a second copy, and handles of one must not be given to another.
 */
function useAddresses(given) {
  koffi.load(null); // before something was loaded, koffi has no stack to make calls on
  functions = declared((name, answer, takes) => koffi.decode(given[name], koffi.proto(answer, takes)));
}

/** The text of the last failure. It belongs to the thread of the system that failed, so it is asked for at once. */
function lastError(status) {
  for (let capacity = 1024; ;) {
    const buffer = Buffer.alloc(capacity);
    const length = library().weave_last_error(buffer, capacity);
    if (length < capacity) return buffer.toString('utf8', 0, length) || library().weave_status_text(status);
    capacity = length + 1;
  }
}

/** Throws what a function answered, unless it is success. */
function check(status) {
  if (status !== 0) throw new WeaveError(lastError(status), status);
}

/** Calls a function whose last argument takes a text or number that the library writes, and answers that. */
function answer(name, ...given) {
  const place = [null];
  check(library()[name](...given, place));
  return place[0];
}

/** Calls a function whose last argument takes an id, and answers that. */
function answerId(name, ...given) {
  check(library()[name](...given, idPlace));
  return idPlace.toString('latin1', 0, idPlace.indexOf(0));
}

/** A lone half of a surrogate pair: no text of UTF-8 has it. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A text as the C interface takes it; null when none is given. */
function text(value, field) {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw invalid(`${field}: it is no text but ${kindOf(value)}; give a string`);
  if (value.includes('\0')) throw invalid(`${field}: holds a NUL character; leave it out`);
  if (LONE_SURROGATE.test(value)) {
    throw invalid(`${field}: holds half of a surrogate pair, which UTF-8 does not have; leave it out`, INVALID_UTF8);
  }
  return value;
}

/** Bytes as the C interface takes them. */
function bytes(value, field) {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return Buffer.from(value);
  throw invalid(`${field}: they are no bytes but ${kindOf(value)}; give a Buffer`);
}

/** A function of the program as the library calls it: with a record, and the number that the options were given. */
function filterCallback(decide) {
  return koffi.register(decide, koffi.pointer(filterType));
}

/** A function of the program as the library calls it, with how far a sync has come. */
function progressCallback(tell) {
  return koffi.register((told) => tell(koffi.decode(told, progressStruct)), koffi.pointer(progressType));
}

module.exports = {
  HANDLE, library, addresses, useAddresses, lastError, check, answer, answerId, text, bytes, filterCallback,
  progressCallback,
};
