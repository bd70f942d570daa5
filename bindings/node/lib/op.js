// Functions whose calls are logged. Whatever goes wrong with logging, the function runs as it would without.
'use strict';

const { isGeneratorFunction, isAsyncFunction } = require('node:util').types;
const { thrown } = require('./call.js');
const { invalid, kindOf } = require('./errors.js');
const { checkNames } = require('./settings.js');
const { warn } = require('./warnings.js');

const OPTIONS = ['name', 'inputs', 'output', 'kind', 'displayName', 'attributes'];

/**
 * The function that logs each call of another one to the session that `sessionOf` answers.
 *
 * @param {Function} fn plain, async, or a generator of either kind
 * @param {Record<string, any>} options
 * @param {() => any} sessionOf
 */
function wrap(fn, options, sessionOf) {
  if (typeof fn !== 'function') throw invalid(`op: it is ${kindOf(fn)}; give a function`);
  checkNames(options, OPTIONS);
  const { name = fn.name, inputs = inputsOf, output = (value) => value, ...given } = options;
  if (!name) throw invalid('op: the function has no name; give one as { name }');
  const definition = { name, inputs, output, given, sessionOf };
  const made = makerOf(fn)(fn, definition);
  Object.defineProperties(made, {
    name: { value: fn.name, configurable: true }, length: { value: fn.length, configurable: true },
  });
  return made;
}

function makerOf(fn) {
  if (!isGeneratorFunction(fn)) return plain;
  return isAsyncFunction(fn) ? asyncGenerator : generator;
}

/** The arguments by name: the members of an object that is the only one, else `arg0`, `arg1`, …. */
function inputsOf(...args) {
  const [only] = args;
  const isNamed = args.length === 1 && typeof only === 'object' && only !== null
    && [Object.prototype, null].includes(Object.getPrototypeOf(only));
  return isNamed ? only : Object.fromEntries(args.map((value, place) => [`arg${place}`, value]));
}

/** One call of an op. Every step of logging may fail without the function noticing. */
class Run {
  #definition;
  #call;
  #yielded = [];

  constructor(definition, args) {
    this.#definition = definition;
    const client = definition.sessionOf();
    if (!client || client.disabled) return;
    const start = (inputs) => {
      this.#call = client.startCall(definition.name, inputs, definition.given);
    };
    const failed = this.#try('its inputs are not logged', () => start(definition.inputs(...args)));
    if (failed && failed.code !== 'WEAVE_CLOSED') {
      this.#try('the call is not logged', () => start({ not_logged: failed.message }));
    }
  }

  /** Runs a part of the function, with its call as the parent of what it calls. */
  step(action) {
    return this.#call ? this.#call.run(action) : action();
  }

  /** Takes what a step of a generator answered, and answers it. */
  took(result) {
    if (result.done) this.end(this.#yielded);
    else if (this.#call) this.#yielded.push(result.value);
    return result;
  }

  end(value) {
    this.#end('its output is not logged', (call) => call.end(this.#definition.output(value)),
      (call, failed) => call.end({ output: null, not_logged: failed.message }));
  }

  fail(error) {
    this.#end('its failure is not logged', (call) => call.fail(thrown(error)),
      (call, failed) => call.fail({ type: 'Error', message: `what it failed with is not logged: ${failed.message}` }));
  }

  /** What cannot be stored must not leave the call open: its end tells why. */
  #end(what, action, instead) {
    const call = this.#call;
    this.#call = undefined;
    if (!call) return;
    const failed = this.#try(what, () => action(call));
    if (failed && failed.code !== 'WEAVE_CLOSED') {
      this.#try('the call stays open', () => instead(call, failed));
    }
  }

  #try(what, action) {
    try {
      action();
      return undefined;
    } catch (error) {
      warn(`${this.#definition.name}: ${what}: ${error?.message ?? error}`, error);
      return error;
    }
  }
}

function plain(fn, definition) {
  return function (...args) {
    const run = new Run(definition, args);
    let result;
    try {
      result = run.step(() => fn.apply(this, args));
    } catch (error) {
      run.fail(error);
      throw error;
    }
    if (!isThenable(result)) {
      run.end(result);
      return result;
    }
    return Promise.resolve(result).then((value) => {
      run.end(value);
      return value;
    }, (error) => {
      run.fail(error);
      throw error;
    });
  };
}

function isThenable(value) {
  try {
    return typeof value?.then === 'function';
  } catch {
    return false; // its own code refuses the question
  }
}

/** What all iterators have, helpers and disposal included where Node has them. */
const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const ASYNC_ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype));

/** The call begins with the first value that is asked for, as the function does, and ends when it does. */
function generator(fn, definition) {
  return function (...args) {
    const inner = fn.apply(this, args);
    let run = null;
    return stepped(ITERATOR, (method, value) => {
      if (method === 'next') run ??= new Run(definition, args);
      if (!run) return inner[method](value);
      try {
        return run.took(run.step(() => inner[method](value)));
      } catch (error) {
        run.fail(error);
        throw error;
      }
    });
  };
}

function asyncGenerator(fn, definition) {
  return function (...args) {
    const inner = fn.apply(this, args);
    let run = null;
    return stepped(ASYNC_ITERATOR, async (method, value) => {
      if (method === 'next') run ??= new Run(definition, args);
      if (!run) return inner[method](value);
      try {
        return run.took(await run.step(() => inner[method](value)));
      } catch (error) {
        run.fail(error);
        throw error;
      }
    });
  };
}

function stepped(prototype, step) {
  return Object.assign(Object.create(prototype), {
    next: (value) => step('next', value),
    return: (value) => step('return', value),
    throw: (error) => step('throw', error),
  });
}

module.exports = { wrap };
