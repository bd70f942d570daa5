// Settings of a session or sync, and what a call is given, as the handles that the C interface takes.
'use strict';

const { library, check, text, HANDLE } = require('./native.js');
const { invalid, kindOf } = require('./errors.js');
const { encode } = require('./values.js');

const INT32 = 2n ** 31n;
const INT64 = 2n ** 63n;

/** A whole number of a type of C, in which koffi would let one that is too large wrap around. */
function whole(lowest, highest) {
  return (value, name) => {
    if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
      const told = typeof value === 'number' ? value : kindOf(value);
      throw invalid(`${name}: ${told} is no whole number that can be used`);
    }
    if (value < lowest || value > highest) throw invalid(`${name}: ${value} is not from ${lowest} to ${highest}`);
    return [value];
  };
}

const int32 = whole(-INT32, INT32 - 1n);
const int64 = whole(-INT64, INT64 - 1n);
const size = whole(0n, 2n * INT64 - 1n);

function flag(value, name) {
  if (typeof value !== 'boolean') throw invalid(`${name}: it is ${kindOf(value)}; give true or false`);
  return [value];
}

function number(value, name) {
  if (typeof value !== 'number') throw invalid(`${name}: it is ${kindOf(value)}; give a number`);
  return [value];
}

/** Milliseconds; C takes whole ones. What is begun counts, so that no limit becomes 0. */
function milliseconds(value, name) {
  return int64(typeof value === 'number' ? Math.ceil(value) : value, name);
}

/** A time as C has it: microseconds since 1970, of a Date or of milliseconds as Date.now() answers them. */
function time(value, name) {
  const since1970 = value instanceof Date ? value.getTime() : value;
  return int64(typeof since1970 === 'number' ? Math.round(since1970 * 1000) : since1970, name);
}

function words(value, name) {
  return [text(value, name)];
}

/** JSON as C takes it: a text without NUL, or nothing. */
function json(value, name) {
  const told = encode(value, name);
  return told === undefined ? [null, 0] : [told, -1];
}

function handleOf(value, name) {
  if (!value?.[HANDLE]) throw invalid(`${name}: it is ${kindOf(value)}; give a call`);
  return [value[HANDLE]];
}

/** The setters of C by the names of the settings here, each with the form that it takes its values in. */
function setters(prefix, forms) {
  const entries = Object.entries(forms).map(([name, form]) => [name, [`${prefix}_set_${snake(name)}`, form]]);
  return Object.fromEntries(entries);
}

const OPTIONS = setters('weave_options', {
  offline: flag,
  disabled: flag,
  offlineDir: words,
  entity: words,
  destination: words,
  openCallAge: milliseconds,
  closeInterrupted: flag,
  maxSyncTime: milliseconds,
  maxSyncBytes: size,
  maxSyncRate: size,
  syncConnections: int32,
  syncWait: milliseconds,
  maxFileSize: size,
  maxFileAge: int64,
  compress: flag,
  compressionLevel: int32,
  durabilityInterval: milliseconds,
  journal: words,
  journalSize: size,
  whenFull: words,
  blockLimit: milliseconds,
  maxDirectorySize: size,
  quotaPolicy: words,
  groupAccess: flag,
  apiKey: words,
  baseUrl: words,
  traceServerUrl: words,
  caFile: words,
  httpTimeout: milliseconds,
  sendInterval: milliseconds,
  insecure: flag,
  source: words,
  attributes: json,
  sampleRate: number,
});

const CALL_OPTIONS = setters('weave_call_options', {
  parent: handleOf,
  parentContext: words,
  id: words,
  traceId: words,
  parentId: words,
  displayName: words,
  threadId: words,
  turnId: words,
  kind: words,
  attributes: json,
  summary: json,
  exception,
  startedAt: time,
  endedAt: time,
  wbRun,
});

/** The name in C of what is named in camelCase here. */
function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function exception({ type, message, traceback }) {
  return [text(type, 'type'), text(message, 'message'), text(traceback, 'traceback')];
}

/** A step that is not known is negative. */
function wbRun({ id, step = -1, stepEnd = -1 }) {
  return [text(id, 'wbRun.id'), ...int64(step, 'wbRun.step'), ...int64(stepEnd, 'wbRun.stepEnd')];
}

function isGiven(value) {
  return value !== undefined && value !== null;
}

/** Refuses names that are not known: a setting that is misspelt must not be passed over. */
function checkNames(given, known) {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw invalid(`no such setting: ${name}; there are ${known.join(', ')}`);
  }
}

function setAll(handle, table, given) {
  for (const [name, value] of Object.entries(given)) {
    if (!isGiven(value)) continue;
    const [setter, form] = table[name];
    check(library()[setter](handle, ...form(value, name)));
  }
}

const OPTION_NAMES = [...Object.keys(OPTIONS), 'redactKeys', 'destinations'];
const CALL_OPTION_NAMES = [...Object.keys(CALL_OPTIONS), 'usage'];

/**
 * Options of C with these settings, to be freed. What is not given is left to the environment and the defaults.
 *
 * @param {Record<string, any>} settings what the program gave
 * @param {{ stop?: bigint, filter?: [callback: bigint, number: bigint] }} own what the package adds
 */
function makeOptions(settings, { stop, filter }) {
  checkNames(settings, OPTION_NAMES);
  const { redactKeys, destinations, ...given } = settings;
  const c = library();
  const handle = c.weave_options_new();
  try {
    setAll(handle, OPTIONS, given);
    if (stop) check(c.weave_options_set_stop(handle, stop));
    if (filter) check(c.weave_options_set_filter(handle, ...filter));
    for (const key of redactKeys ?? []) check(c.weave_options_add_redact_key(handle, text(key, 'redactKeys')));
    for (const [recorded, destination] of Object.entries(destinations ?? {})) {
      check(c.weave_options_add_destination(handle, text(recorded, 'destinations'), text(destination, 'destinations')));
    }
    return handle;
  } catch (error) {
    c.weave_options_free(handle);
    throw error;
  }
}

/** Does something with call options of C that say what is given; with null when that is nothing. */
function withCallOptions(settings, use) {
  checkNames(settings, CALL_OPTION_NAMES);
  if (!Object.values(settings).some(isGiven)) return use(null);
  const { usage, ...given } = settings;
  const c = library();
  const handle = c.weave_call_options_new();
  try {
    setAll(handle, CALL_OPTIONS, given);
    for (const [model, used] of Object.entries(usage ?? {})) {
      check(c.weave_call_options_add_usage_json(handle, text(model, 'usage'), ...json(used, `usage.${model}`)));
    }
    return use(handle);
  } finally {
    c.weave_call_options_free(handle);
  }
}

module.exports = {
  makeOptions, withCallOptions, checkNames, isGiven, exception, snake, json, time, number, milliseconds,
};
