// A live call, and what a failure of it is told as.
'use strict';

const { inspect, types: { isNativeError } } = require('node:util');
const { library, check, text, HANDLE } = require('./native.js');
const { invalid, CLOSED } = require('./errors.js');
const { checkNames, exception, isGiven, json, time } = require('./settings.js');
const { within } = require('./context.js');
const { enter } = require('./filter.js');

const unreachable = new FinalizationRegistry((handle) => library().weave_call_free(handle));

const isWhole = (value) => typeof value === 'bigint' || Number.isSafeInteger(value);

/**
 * A call that was begun. It may be ended later, or never, and be a parent before and after that.
 *
 * What the library made is freed when the call ends, since a program that computes for long lets no finalizer run in
 * between; one that is never ended is freed when nobody holds it any more.
 */
class Call {
  #id;
  #traceId;
  #context;
  #isChanging = false;

  constructor(client, handle, op) {
    this[HANDLE] = handle;
    this.client = client;
    this.op = op;
    unreachable.register(this, handle, this);
  }

  get id() {
    return (this.#id ??= library().weave_call_id(this[HANDLE]));
  }

  get traceId() {
    return (this.#traceId ??= library().weave_call_trace_id(this[HANDLE]));
  }

  /** The call as one line of text, to carry a parent elsewhere (`parentContext`). */
  get context() {
    return (this.#context ??= library().weave_call_context(this[HANDLE]));
  }

  /** The reference of the call, for feedback and values. */
  get ref() {
    return `weave:///${this.client.project}/call/${this.id}`;
  }

  get hasEnded() {
    return this[HANDLE] === null;
  }

  /** Runs a function, and all that it begins and awaits, with this call as the parent of calls inside. */
  run(action) {
    return within({ call: this }, action);
  }

  /** Ends the call. When this throws, the call stays open. */
  end(output, options = {}) {
    checkNames(options, ['endedAt']);
    const told = json(output, 'output');
    if (isGiven(options.endedAt)) this.#do('weave_call_set_ended_at', ...time(options.endedAt, 'endedAt'));
    this.#do('weave_call_end', ...told);
    this.#free();
  }

  /** Says what failed, and ends the call. */
  fail(error, output) {
    this.setException(error);
    this.end(output);
  }

  /** Says what failed; the call is still to be ended. */
  setException(error) {
    this.#do('weave_call_set_exception', ...exception(failure(error)));
  }

  /** Merges an object into the summary. Usage and status are added at the end; computed values win. */
  setSummary(summary) {
    this.#do('weave_call_set_summary', ...json(summary, 'summary'));
  }

  /**
   * Adds usage: `prompt_tokens` and `completion_tokens`, of which the total is made, or whatever the model tells. It
   * counts instead of what the output names.
   */
  addUsage(model, usage) {
    const name = text(model, 'model');
    const { prompt_tokens: prompt, completion_tokens: completion, ...rest } = usage ?? {};
    if (isWhole(prompt) && isWhole(completion) && Object.keys(rest).length === 0) {
      this.#do('weave_call_add_usage', name, prompt, completion);
    } else {
      this.#do('weave_call_add_usage_json', name, ...json(usage, 'usage'));
    }
  }

  /** Gives the call another name to show, also after its end. */
  setDisplayName(name) {
    if (this.hasEnded) this.client.updateCall(this.id, { displayName: name });
    else this.#do('weave_call_set_display_name', text(name, 'name'));
  }

  #do(name, ...given) {
    if (this.hasEnded) throw invalid('the call has ended; a call ends once, and is set before that', CLOSED);
    if (this.#isChanging) throw invalid('a filter cannot change or end the call whose record it sees');
    enter(this.client);
    this.#isChanging = true;
    try {
      check(library()[name](this[HANDLE], ...given));
    } finally {
      this.#isChanging = false;
    }
  }

  /** Keeps what is asked of a call after its end. */
  #free() {
    void [this.id, this.traceId, this.context];
    unreachable.unregister(this);
    library().weave_call_free(this[HANDLE]);
    this[HANDLE] = null;
  }
}

/** A failure as the library takes it: an error that was thrown, or what is known of it, or any other value. */
function failure(error) {
  if (isNativeError(error) || error instanceof Error) {
    // The text of an error is nobody's choice, so that it is repaired where it could not be stored.
    const named = error.name === 'Error' ? error.constructor?.name : error.name;
    return { type: repaired(named), message: repaired(error.message), traceback: repaired(frames(error)) };
  }
  if (typeof error?.message === 'string') return error;
  const message = repaired(typeof error === 'string' ? error : inspect(error));
  return { type: typeof error, message, traceback: undefined };
}

/** The lines of the stack, without the message that stands before them. */
function frames(error) {
  const stack = String(error.stack ?? '');
  const at = stack.search(/^\s+at /m);
  return at < 0 ? undefined : stack.slice(at);
}

function repaired(value) {
  return value === undefined ? undefined : Buffer.from(String(value)).toString().replaceAll('\0', '\\0');
}

/** What was thrown, as a failure that can be stored: nobody chose its members for that. */
function thrown(error) {
  if (isNativeError(error) || error instanceof Error || typeof error?.message !== 'string') return error;
  const { type = 'object', message, traceback } = error;
  return { type: repaired(type), message: repaired(message), traceback: repaired(traceback) };
}

module.exports = { Call, failure, thrown };
