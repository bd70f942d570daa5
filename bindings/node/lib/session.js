// The session of the program: the one that `weave.init` opened and ops log to.
'use strict';

const { Client } = require('./client.js');
const { wrap } = require('./op.js');

let active;

/** Opens the session that ops log to. One that is open goes on for those that hold it. */
function init(project, settings) {
  active = new Client(project, settings);
  return active;
}

/** The session that is open, or undefined. */
function currentClient() {
  return active;
}

/** The function that logs each of its calls to the session that is open then. */
function op(fn, options = {}) {
  return wrap(fn, options, currentClient);
}

/** Brings everything to the disk, when not offline also to the server, and closes the session. */
async function finish(options) {
  const client = active;
  active = undefined;
  await client?.finish(options);
}

/** Brings everything to the disk for good, when not offline also to the server. */
async function flush(options) {
  await active?.flush(options);
}

module.exports = { init, currentClient, op, finish, flush };
