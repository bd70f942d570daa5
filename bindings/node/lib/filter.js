// Filters: functions of the program that see each record before it is kept. One callback of C serves all of a thread's.
//
// A callback that cannot run answers 0 to the library, which keeps the record. What a filter was to hide must not be
// kept instead, so each way in which it may not run ends otherwise: see `enter` and `decide`.
'use strict';

const { library, filterCallback } = require('./native.js');
const { encode, parse } = require('./values.js');
const { warn } = require('./warnings.js');

/** What the library is answered. */
const KEEP = 0;
const DROP = 1;

/** A text that the library refuses, and the record with it. */
const NO_JSON = '-';

/** How many calls fit on the stack, at least, when the library is called that calls back: some 80 have been too few. */
const ROOM = 300;

/** Filters by the numbers by which the library knows them. */
const filters = new Map();
let last = 0n;
let callback = null;
/** How many of them run now, one below the other. */
let asked = 0;

/**
 * Makes a filter known.
 *
 * @returns {[callback: bigint, number: bigint]} what the library is given
 */
function register(filter) {
  callback ??= filterCallback(decide);
  last += 1n;
  filters.set(last, filter);
  return [callback, last];
}

/** Whether a filter runs: a function of the library that called it has not returned. */
function isAsked() {
  return asked > 0;
}

/** Undoes the registering; undefined is fine. */
function forget(registered) {
  if (registered) filters.delete(registered[1]);
}

/**
 * Decides about a record. A filter that fails drops it.
 *
 * The record is first given a text that the library refuses: if this thread is stopped while the filter runs
 * (worker.terminate), so is the record.
 */
function decide(record, number) {
  asked++;
  try {
    const c = library();
    const type = c.weave_record_type(record);
    const data = c.weave_record_json(record, null);
    c.weave_record_set_json(record, NO_JSON, -1);
    const kept = filters.get(number)(type, parse(data));
    if (kept === null || kept === undefined || kept === false) return DROP;
    // What is refused here refuses the record: the function that logs throws it.
    c.weave_record_set_json(record, encode(kept, 'record') ?? NO_JSON, -1);
    return KEEP;
  } catch (error) {
    try {
      warn(`the filter failed, and the record was dropped: ${error?.message ?? error}`, error);
    } catch {
      // There is no room for that either.
    }
    return DROP;
  } finally {
    asked--;
  }
}

/**
 * To be called before a function of the library that logs. Throws a RangeError where the stack is nearly full, and the
 * callback might find no room on it.
 */
function enter(client) {
  if (client.isFiltered) room(ROOM);
}

function room(calls) {
  return calls === 0 ? 0 : 1 + room(calls - 1);
}

module.exports = { register, forget, isAsked, enter };
