// The end of a program, or of a thread of it. Nothing that was logged is lost by that, but files that are finished can be
// read at once, and what still runs must not keep the program from ending.
'use strict';

const { library, lastError, HANDLE } = require('./native.js');
const { warnAtExit } = require('./warnings.js');

/** How long finishing the sessions may take in all, in milliseconds. What is not sent then is kept. */
const LIMIT = 2000;

/** Sessions that are open, held weakly. */
const sessions = new Set();
/** Stops of the syncs that run. */
const stops = new Set();
let isListening = false;

function listen() {
  if (!isListening) process.once('exit', end);
  isListening = true;
}

function addSession(weak) {
  listen();
  sessions.add(weak);
}

function removeSession(weak) {
  sessions.delete(weak);
}

function addStop(stop) {
  listen();
  stops.add(stop);
}

function removeStop(stop) {
  stops.delete(stop);
}

function end() {
  // Node waits for the threads of syncs: within some tenths of a second these end.
  for (const stop of stops) library().weave_stop_ask(stop);
  const until = Date.now() + LIMIT;
  for (const weak of sessions) {
    const client = weak.deref();
    if (!client) continue;
    const status = library().weave_finish(client[HANDLE], Math.max(0, until - Date.now()), null);
    if (status !== 0) warnAtExit(`${client.project}: not finished when the program ended: ${lastError(status)}`);
  }
}

module.exports = { addSession, removeSession, addStop, removeStop };
