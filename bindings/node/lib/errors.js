// What goes wrong, as one class of errors that carry the library's status, its text, and a code to compare with.
'use strict';

/** The names of the statuses in weave.h, by their numbers. */
const CODES = [
  'WEAVE_OK', 'WEAVE_INVALID_ARGUMENT', 'WEAVE_INVALID_UTF8', 'WEAVE_INVALID_JSON', 'WEAVE_INVALID_NAME',
  'WEAVE_INVALID_ID', 'WEAVE_REJECTED', 'WEAVE_TOO_LARGE', 'WEAVE_IO', 'WEAVE_NO_SPACE', 'WEAVE_CLOSED',
  'WEAVE_TIMEOUT', 'WEAVE_OFFLINE', 'WEAVE_UNAUTHORIZED', 'WEAVE_FORBIDDEN', 'WEAVE_NETWORK', 'WEAVE_SERVER',
  'WEAVE_INCOMPLETE', 'WEAVE_BUSY', 'WEAVE_CANCELLED', 'WEAVE_PANIC',
];

const INVALID_ARGUMENT = 1;
const INVALID_UTF8 = 2;
const INVALID_JSON = 3;
const CLOSED = 10;
const CANCELLED = 19;

class WeaveError extends Error {
  /**
   * @param {string} message what happened, to which field, file or address, and what to do about it
   * @param {number} status the number of the C interface's weave_status
   * @param {{ results?: object, cause?: unknown }} [more] what a sync had done before it failed; what is behind it
   */
  constructor(message, status, { results, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.code = CODES[status] ?? `WEAVE_STATUS_${status}`;
    if (results !== undefined) this.results = results;
  }
}
Object.defineProperty(WeaveError.prototype, 'name', { value: 'WeaveError', writable: true, configurable: true });

/** The error of something that was given and cannot be used. */
function invalid(message, status = INVALID_ARGUMENT) {
  return new WeaveError(message, status);
}

/** What a value is, in the words of an error. */
function kindOf(value) {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? `an object of ${value.constructor?.name ?? 'no class'}` : `a ${typeof value}`;
}

module.exports = { WeaveError, invalid, kindOf, INVALID_UTF8, INVALID_JSON, CLOSED, CANCELLED };
