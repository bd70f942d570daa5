// The command of tests/suite/commands/README.md over the Node binding. It reads lines and answers each; further threads
// and the child process are this file too.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const weave = require('../../../../bindings/node');

let client;
let settings;
const calls = new Map();

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isUtf8(bytes) {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function bytesOf(field) {
  return Buffer.from(field.replace(/%(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1');
}

/** A field as text. A byte that is not UTF-8 is the lone surrogate U+DC00 and it. */
function decoded(field) {
  const bytes = bytesOf(field);
  if (isUtf8(bytes)) return bytes.toString();
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const [, length] = [[0x80, 1], [0xe0, 2], [0xf0, 3], [0xf8, 4]].find(([below]) => bytes[at] < below) ?? [0, 1];
    const part = bytes.subarray(at, at + length);
    text += isUtf8(part) ? part.toString() : String.fromCharCode(0xdc00 + bytes[at]);
    at += isUtf8(part) ? length : 1;
  }
  return text;
}

function encoded(field) {
  const escape = (odd) => `%${odd.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return String(field).replace(/[%\t\n\r\0]/g, escape);
}

/** JSON that is text already; an empty one is not given. */
function json(text) {
  return text === '' ? undefined : weave.rawJson(text);
}

function open({ project, filter, ...given }) {
  const drop = filter && ((_, data) => ((data.start ?? data).op_name === filter ? null : data));
  return new weave.Client(project, { offline: true, filter: drop, ...given });
}

const FORMS = {
  offline_dir: (text) => ({ offlineDir: text }),
  compress: (text) => ({ compress: text === 'true' }),
  max_file_size: (text) => ({ maxFileSize: BigInt(text) }),
  disabled: (text) => ({ disabled: text === 'true' }),
  source: (text) => ({ source: text }),
  attributes: (text) => ({ attributes: json(text) }),
  filter: (text) => ({ filter: text }),
  redact: (text, before) => ({ redactKeys: [...before.redactKeys ?? [], text] }),
};

function settingsOf(project, fields) {
  let given = { project };
  for (const field of fields) {
    const [name, text] = [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)];
    if (!FORMS[name]) usage(`no such setting: ${name}`);
    given = { ...given, ...FORMS[name](text, given) };
  }
  return given;
}

function nest(depth) {
  const ids = [];
  const level = (number) => {
    const enter = client.op(`level-${number}`, () => {
      ids.push(weave.currentCall()?.id ?? '');
      if (number < depth) level(number + 1);
      return number;
    }, { inputs: () => ({ level: number }) });
    return enter();
  };
  if (depth > 0) level(1);
  return ids;
}

function raise(message) {
  const inner = client.op('inner', () => { throw new Error(message); });
  client.op('outer', () => {
    try {
      inner();
    } catch {
      return 'caught';
    }
    return undefined;
  })();
}

function values() {
  let deep = /** @type {any} */ ('bottom');
  for (let level = 0; level < 100; level++) deep = [deep];
  return client.logCall('values', {
    empty: { text: '', list: [], object: {} },
    none: null,
    yes: true,
    no: false,
    text: 'Zürich 東京 😀 "quoted" \\ /\t\u0001\u007f',
    nul: 'a\0b',
    nan: NaN,
    infinite: -Infinity,
    beyond_doubles: 9007199254740993n,
    largest: 2n ** 63n - 1n,
    smallest: -(2n ** 63n),
    unsigned: 2n ** 64n - 1n,
    half: 0.5,
    least: 5e-324,
    keys: { '': 1, 'with space': 2, ключ: 3 },
    deep,
    long: 'x'.repeat(1_000_000),
  });
}

async function threads(count, each) {
  const done = Array.from({ length: Number(count) }, (_, thread) => (
    once(new Worker(__filename, { workerData: { settings, thread, each: Number(each) } }), 'exit')));
  for (const [status] of await Promise.all(done)) if (status !== 0) throw new Error(`a thread ended with ${status}`);
}

async function fork(name) {
  const given = JSON.stringify({ settings, context: calls.get(name).context });
  const begun = spawn(process.execPath, [__filename, 'child', given], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = await once(begun, 'exit');
  if (status !== 0) throw new Error(`the child ended with ${status}`);
}

/** Each verb: what it does with its fields, and the fields that it answers with. */
const VERBS = {
  version: () => [weave.version()],
  init: (project, ...fields) => {
    settings = settingsOf(project, fields);
    client = open(settings);
    return [client.project];
  },
  flush: async () => { await client.flush(); },
  finish: async () => { await client.finish(); },
  stats: () => [JSON.stringify(client.stats())],
  log: (op, inputs, output) => [client.logCall(op, json(inputs), json(output))],
  batch: (text) => [client.logCalls(weave.rawJson(text))],
  start: (name, op, inputs, parent) => started(name, op, inputs, { parent: calls.get(parent) ?? null }),
  adopt: (name, op, line) => started(name, op, '', { parentContext: line }),
  end: (name, output) => calls.get(name).end(json(output)),
  fail: (name, type, message) => calls.get(name).setException({ type, message }),
  usage: (name, model, prompt, completion) => calls.get(name).addUsage(
    model, { prompt_tokens: BigInt(prompt), completion_tokens: BigInt(completion) }),
  rename: (name, text) => calls.get(name).setDisplayName(text),
  context: (name) => [calls.get(name).context],
  nest: (depth) => nest(Number(depth)),
  raise,
  values: () => [values()],
  threads,
  fork,
  op: (name, code) => [client.publishOp(name, code)],
  object: (name, value) => [client.publishObject(name, json(value))],
  table: (rows) => [client.publishTable(json(rows))],
  dataset: (name, rows) => [client.publishDataset(name, json(rows))],
  row: (dataset, row) => [client.rowRef(dataset, json(row))],
  file: (name, data) => [client.storeFile(name, data)],
  image: (format, data) => [JSON.stringify(client.storeImage(format, data))],
  audio: (format, data) => [JSON.stringify(client.storeAudio(format, data))],
  content: (filename, mimetype, data) => [JSON.stringify(client.storeContent(filename, mimetype, data))],
  note: (target, text) => [client.addNote(target, text)],
  reaction: (target, emoji) => [client.addReaction(target, emoji)],
  feedback: (target, type, payload) => [client.addFeedback(target, type, json(payload))],
  cost: (model, prompt, completion) => client.addCost(model, Number(prompt), Number(completion)),
  sync: async (offlineDir) => [JSON.stringify(await weave.sync({ offlineDir }))],
  clean: async (offlineDir, days) => [await weave.cleanSyncedFiles({ offlineDir, olderThanDays: Number(days) })],
  directory: async (offlineDir) => [JSON.stringify(await weave.directoryStats({ offlineDir }))],
  rejected: async (offlineDir) => [JSON.stringify(await weave.listRejected({ offlineDir }))],
  verify: async (offlineDir) => [JSON.stringify(await weave.verify({ offlineDir }))],
};
/** Which of a verb's fields are bytes. */
const BYTES = { file: 1, image: 1, audio: 1, content: 2 };

function started(name, op, inputs, options) {
  const call = client.startCall(op, json(inputs), options);
  calls.set(name, call);
  return [call.id];
}

function usage(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

async function answer(line) {
  const [verb, ...fields] = line.split('\t');
  const act = VERBS[verb];
  if (!act || (verb === 'init' ? fields.length < 1 : fields.length !== act.length)) usage(`no such line: ${line}`);
  const given = fields.map((field, place) => (BYTES[verb] === place ? bytesOf(field) : decoded(field)));
  try {
    return ['ok', ...await act(...given) ?? []];
  } catch (error) {
    if (!(error instanceof weave.WeaveError)) throw error;
    return ['error', error.status, error.message, ...error.results ? [JSON.stringify(error.results)] : []];
  }
}

async function main() {
  let rest = '';
  for await (const part of process.stdin.setEncoding('latin1')) {
    const lines = (rest + part).split('\n');
    rest = lines.pop();
    for (const line of lines) process.stdout.write(`${(await answer(line)).map(encoded).join('\t')}\n`);
  }
}

function thread({ settings: given, thread: own, each }) {
  const session = open(given);
  for (let call = 0; call < each; call++) session.logCall('thread', { thread: own, call });
}

function child({ settings: given, context }) {
  open(given).logCall('child', {}, undefined, { parentContext: context });
}

if (!isMainThread && parentPort) thread(workerData);
else if (process.argv[2] === 'child') child(JSON.parse(process.argv[3]));
else main();
