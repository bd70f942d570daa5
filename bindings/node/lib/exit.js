// The end of a program, or of a thread of it. Nothing that was logged is lost by that, but what is in data files can be
// read at once, and what still runs on other threads must not keep the program from ending: Node waits for them.
'use strict';

const { library, lastError, HANDLE } = require('./native.js');
const { warnAtExit } = require('./warnings.js');

/** How long flushing the sessions may take in all, in milliseconds. What is not sent then is kept. */
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
    // Not finished, so that handlers of the exit that come later can still log.
    const status = client && c.weave_flush(client[HANDLE], Math.max(0, until - Date.now()), null);
    if (status) warnAtExit(`${client.project}: not flushed when the program ended: ${lastError(status)}`);
  }
  // Nothing else ends a flush that waits for a server.
  for (const client of flushing) c.weave_finish(client[HANDLE], 0, null);
}

module.exports = { addSession: adder(sessions), addFlushing: adder(flushing), addStop: adder(stops) };
