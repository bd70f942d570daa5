// The end of a program, or of a thread of it. Nothing that was logged is lost by that, but what is in data files can be
// read at once, and what still runs on other threads must not keep the program from ending: Node waits for them.
'use strict';

const { isMainThread } = require('node:worker_threads');
const { library, HANDLE } = require('./native.js');
const { warnAtExit } = require('./warnings.js');

/** How long flushing or finishing the sessions may take in all, in milliseconds. What is not sent then is kept. */
const LIMIT = 2000;

/** Sessions that are open, held weakly. */
const sessions = new Set();
/** Sessions that are being flushed. */
const flushing = new Set();
/** Stops of the syncs that run. */
const stops = new Set();

let isListening = false;

/** Adds to one of the sets; the answer takes it out again. */
function adder(set) {
  return (item) => {
    if (!isListening) process.once('exit', end);
    isListening = true;
    set.add(item);
    return () => set.delete(item);
  };
}

function end() {
  const c = library();
  for (const stop of stops) c.weave_stop_ask(stop);
  const until = Date.now() + LIMIT;
  for (const weak of sessions) {
    const client = weak.deref();
    if (client) settle(client, Math.max(0, until - Date.now()));
  }
  // Nothing else ends a flush that waits for a server.
  for (const client of flushing) c.weave_finish(client[HANDLE], 0, null);
}

/** Handlers of a program's exit that come later can still log. What a thread leaves would stay until the program ends. */
function settle(client, timeout) {
  try {
    if (isMainThread) client.flushSync({ timeout });
    else client.finishSync({ timeout });
  } catch (error) {
    if (error.code === 'WEAVE_CLOSED') return; // it is being finished
    warnAtExit(`${client.project}: not flushed when the program ended: ${error.message}`);
  }
}

module.exports = { addSession: adder(sessions), addFlushing: adder(flushing), addStop: adder(stops) };
