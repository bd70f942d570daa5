// What a program has to hear although nothing of its own failed: warnings of the process, which Node prints unless the
// program listens for them.
//
// The library has a callback for its messages, but calls it on threads of its own. A function of JavaScript there has
// the thread wait for the event loop: it would stand still while the program computes, and wait for ever where the
// program waits for it in turn, or has ended. So the counters of sessions are looked at instead.
'use strict';

const { answer, HANDLE } = require('./native.js');

/** How often a session's counters are looked at, in milliseconds. */
const INTERVAL = 2000;
/** How many texts are known to have been told. Beyond them a text may be told again. */
const MOST_TOLD = 1000;

const told = new Set();

function isNew(text) {
  if (told.has(text)) return false;
  if (told.size >= MOST_TOLD) told.clear();
  told.add(text);
  return true;
}

function warning(text, cause) {
  const made = new Error(text, cause === undefined ? undefined : { cause });
  made.name = 'WeaveWarning';
  return made;
}

/** Tells a text once. */
function warn(text, cause) {
  if (isNew(text)) process.emitWarning(warning(text, cause));
}

/** The same while the process ends, when nothing is told later any more. */
function warnAtExit(text) {
  if (isNew(text)) process.emit('warning', warning(text));
}

function statsOf(client) {
  return JSON.parse(answer('weave_stats', client[HANDLE]));
}

/** Tells what has gone wrong behind a session's back. */
function look(client) {
  const { failures, last_error: lastError, dropped } = statsOf(client);
  if (failures > 0 && lastError) {
    warn(`${client.project}: records could not be brought into data files, which is tried again: ${lastError}`);
  }
  if (dropped > 0) {
    warn(`${client.project}: records were deleted unsent from ${client.offlineDir}, to keep its quota; `
      + 'client.stats() counts them, and notes beside the data files name them');
  }
}

/** Looks at a session now and then, for as long as it lives. Answers the timer, to be cleared. */
function watch(client) {
  const weak = new WeakRef(client);
  const timer = setInterval(() => {
    const alive = weak.deref();
    if (alive) look(alive);
  }, INTERVAL);
  return timer.unref();
}

module.exports = { warn, warnAtExit, statsOf, look, watch };
