// What the tests stand on: the package of this checkout over the library that `make build` made (or WEAVE_LIBRARY),
// directories of their own, programs as processes, and a server in this process.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');

const PACKAGE = path.join(__dirname, '..');
const ROOT = path.join(PACKAGE, '..', '..');

for (const name of Object.keys(process.env)) {
  if (/^(WANDB|WEAVE|WF)_/.test(name) && name !== 'WEAVE_LIBRARY') delete process.env[name];
}
const TARGET = process.env.CARGO_TARGET_DIR || path.join(ROOT, 'target');
process.env.WEAVE_LIBRARY ||= path.resolve(TARGET, 'release', 'libweave.so');

const weave = require('..');

/** A directory that goes with the test. */
function directory(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'weave-node-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** An offline session of `team/project`, which is finished with the test. */
function session(t, settings = {}) {
  let client;
  t.after(() => client?.finishSync()); // before its directory goes
  client = new weave.Client('team/project', { offline: true, offlineDir: directory(t), ...settings });
  return client;
}

/** The same as the program's, which ops log to. */
function programSession(t, settings = {}) {
  t.after(() => weave.finish()); // before its directory goes
  return weave.init('team/project', { offline: true, offlineDir: directory(t), ...settings });
}

/** The texts of the lines in the data files of a folder. */
function texts(offlineDir, folder = 'calls', project = 'team/project') {
  const place = path.join(offlineDir, project, folder);
  if (!fs.existsSync(place)) return [];
  return fs.readdirSync(place).filter((name) => name.endsWith('.jsonl.gz')).sort()
    .flatMap((name) => zlib.gunzipSync(fs.readFileSync(path.join(place, name))).toString().split('\n').filter(Boolean));
}

function lines(offlineDir, folder, project) {
  return texts(offlineDir, folder, project).map((text) => JSON.parse(text));
}

/** The calls that a session has logged, by the name of their op; of those with the same name the last. */
function callsOf(client) {
  client.flushSync();
  const data = lines(client.offlineDir).map((line) => line.data.start ?? line.data);
  return Object.fromEntries(data.filter((call) => call.op_name).map((call) => [call.op_name, call]));
}

/**
 * Begins a program of the text, which finds the package as `weave` and its arguments as `given`.
 *
 * @param {string} code
 * @param {string[]} given
 * @param {{ cwd?: string, environment?: object, options?: string[] }} surroundings
 */
function program(code, given = [], { cwd, environment = {}, options = [] } = {}) {
  const begin = `const weave = require(${JSON.stringify(PACKAGE)}); const given = process.argv.slice(1);`;
  const started = spawn(process.execPath, [...options, '-e', begin + code, ...given], {
    cwd, env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'],
  });
  started.stdout.setEncoding('utf8');
  started.stderr.setEncoding('utf8');
  return started;
}

/**
 * Runs such a program to its end: its status or signal, and what it printed.
 *
 * @param {Parameters<typeof program>} given
 */
async function run(...given) {
  return ended(program(...given));
}

async function ended(started) {
  const told = { stdout: '', stderr: '' };
  started.stdout.on('data', (text) => { told.stdout += text; });
  started.stderr.on('data', (text) => { told.stderr += text; });
  const [status, signal] = await once(started, 'close');
  return { status, signal, ...told };
}

const USUAL = {
  '/graphql': { data: { project: { name: 'project' } } },
  '/server_info': { trace_server_version: '1.0' },
  '/obj/create': { digest: 'd'.repeat(43) },
};

/**
 * A server that takes everything, unless `answers` has a function for the path: of the request's body, it answers (or
 * promises) a status and a value.
 */
async function server(t) {
  const answers = {};
  const made = http.createServer(async (request, response) => {
    let body = '';
    try {
      for await (const part of request.setEncoding('utf8')) body += part;
    } catch {
      return; // who asked is gone
    }
    const [status, value] = await answers[request.url]?.(body) ?? [200, USUAL[request.url] ?? {}];
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  t.after(() => {
    made.close();
    made.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (made.address());
  const url = `http://127.0.0.1:${port}`;
  return { answers, settings: { apiKey: 'k'.repeat(40), baseUrl: url, traceServerUrl: url } };
}

/** A promise, and the function that fulfils it. */
function promise() {
  let fulfil;
  const made = new Promise((resolve) => { fulfil = resolve; });
  return [made, fulfil];
}

module.exports = {
  PACKAGE, ROOT, weave, directory, session, programSession, texts, lines, callsOf, program, run, ended, server, promise,
};
