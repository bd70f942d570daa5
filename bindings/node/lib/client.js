// A session: everything that can be logged to a project, as methods.
'use strict';

const { library, check, answer, answerId, bytes, text, HANDLE } = require('./native.js');
const { Call, failure } = require('./call.js');
const { surrounded } = require('./context.js');
const { invalid, kindOf, CLOSED } = require('./errors.js');
const { checkNames, json, makeOptions, milliseconds, number, snake, withCallOptions } = require('./settings.js');
const { RawJson } = require('./values.js');
const blocking = require('./blocking.js');
const exit = require('./exit.js');
const filters = require('./filter.js');
const { wrap } = require('./op.js');
const warnings = require('./warnings.js');

const FEEDBACK_REFS = ['annotationRef', 'runnableRef', 'callRef'];
const COST_OPTIONS = [
  'effectiveDate', 'providerId', 'promptTokenCostUnit', 'completionTokenCostUnit', 'cacheReadInputTokenCost',
  'cacheCreationInputTokenCost',
];
const CALL_FIELDS = [
  'opName', 'id', 'traceId', 'parentId', 'displayName', 'threadId', 'turnId', 'kind', 'startedAt', 'endedAt',
  'attributes', 'inputs', 'output', 'exception', 'summary', 'otelDump', 'wbRunId', 'wbRunStep', 'wbRunStepEnd',
];

const unreachable = new FinalizationRegistry((release) => release());

/**
 * A session for one project.
 *
 * What the library made is freed when the session is finished, since a thread that ends lets no finalizer run; else when
 * nobody holds the session any more.
 */
class Client {
  #handle = null;
  #release;
  #finishing;
  /** How many calls of the library other threads make on it. */
  #awaited = 0;
  /** What the counters said last, when it is freed. */
  #stats;

  /**
   * @param {string} project
   * @param {import('../index').Settings} settings
   */
  constructor(project, settings = {}) {
    const { filter, ...given } = settings;
    if (filter && typeof filter !== 'function') throw invalid(`filter: it is ${kindOf(filter)}; give a function`);
    given.source ??= process.env.WEAVE_SOURCE ? undefined : 'libweave-node';
    const registered = filter ? filters.register(filter) : undefined;
    let options = null;
    try {
      options = makeOptions(given, { filter: registered });
      this.#handle = answer('weave_init', text(project, 'project'), options);
    } catch (error) {
      filters.forget(registered);
      throw error;
    } finally {
      library().weave_options_free(options);
    }
    /** Whether a callback may run below functions that log. */
    this.isFiltered = registered !== undefined;
    this.project = library().weave_client_project(this[HANDLE]);
    this.offlineDir = library().weave_client_offline_dir(this[HANDLE]);
    this.disabled = this.offlineDir === '';
    this.#release = releaser(this.#handle, registered, warnings.watch(this), exit.addSession(new WeakRef(this)));
    unreachable.register(this, this.#release, this);
  }

  get [HANDLE]() {
    if (this.#handle === null) throw invalid('the client is finished; open another with init', CLOSED);
    return this.#handle;
  }

  // Calls

  op(name, fn, options = {}) {
    return wrap(fn, { ...options, name }, () => this);
  }

  startCall(op, inputs, options = {}) {
    const told = json(inputs, 'inputs');
    filters.enter(this);
    const handle = withCallOptions(surrounded(this, options), (settings) => (
      answer('weave_call_start', this[HANDLE], text(op, 'op'), ...told, settings)));
    return new Call(this, handle, op);
  }

  logCall(op, inputs, output, options = {}) {
    const told = [...json(inputs, 'inputs'), ...json(output, 'output')];
    const given = surrounded(this, options);
    given.exception = given.exception == null ? undefined : failure(given.exception);
    filters.enter(this);
    return withCallOptions(given, (settings) => (
      answerId('weave_log_call', this[HANDLE], text(op, 'op'), ...told, settings)));
  }

  logCalls(calls) {
    const fields = calls instanceof RawJson ? calls
      : [...calls].map((call, place) => named(call, CALL_FIELDS, `calls[${place}]`));
    filters.enter(this);
    return answer('weave_log_calls', this[HANDLE], ...json(fields, 'calls'));
  }

  updateCall(id, { displayName }) {
    filters.enter(this);
    check(library().weave_call_update(this[HANDLE], text(id, 'id'), text(displayName, 'displayName')));
  }

  // What is published, and files

  publishOp(name, source) {
    return this.#made('weave_op_create', text(name, 'name'), text(source, 'source'), -1);
  }

  publishObject(name, value) {
    return this.#made('weave_object_create', text(name, 'name'), ...json(value, 'value'));
  }

  publishTable(rows) {
    return this.#made('weave_table_create', ...json(rows, 'rows'));
  }

  publishDataset(name, rows, options = {}) {
    checkNames(options, ['description']);
    const names = [text(name, 'name'), text(options.description, 'description')];
    return this.#made('weave_dataset_create', ...names, ...json(rows, 'rows'));
  }

  rowRef(dataset, row) {
    return this.#made('weave_dataset_row_ref', text(dataset, 'dataset'), ...json(row, 'row'));
  }

  storeFile(name, data) {
    return this.#stored('weave_file_create', data, text(name, 'name'));
  }

  storeImage(format, data) {
    return JSON.parse(this.#stored('weave_image_create', data, text(format, 'format')));
  }

  storeAudio(format, data) {
    return JSON.parse(this.#stored('weave_audio_create', data, text(format, 'format')));
  }

  storeContent(filename, mimetype, data) {
    const names = [text(filename, 'filename'), text(mimetype, 'mimetype')];
    return JSON.parse(this.#stored('weave_content_create', data, ...names));
  }

  // Feedback and costs

  addReaction(target, emoji) {
    filters.enter(this);
    return answerId('weave_feedback_add_reaction', this[HANDLE], targetOf(target), text(emoji, 'emoji'));
  }

  addNote(target, note) {
    filters.enter(this);
    return answerId('weave_feedback_add_note', this[HANDLE], targetOf(target), text(note, 'note'));
  }

  addFeedback(target, type, payload, options = {}) {
    const { creator, ...refs } = options;
    const told = Object.keys(refs).length > 0 ? named(refs, FEEDBACK_REFS, 'options') : undefined;
    filters.enter(this);
    return answerId('weave_feedback_create', this[HANDLE], targetOf(target), text(type, 'type'),
      ...json(payload, 'payload'), ...json(told, 'options'), text(creator, 'creator'));
  }

  addCost(model, promptTokenCost, completionTokenCost, options = {}) {
    const given = { promptTokenCost, completionTokenCost };
    const prices = Object.entries(given).flatMap(([name, price]) => number(price, name));
    const told = json(named(options, COST_OPTIONS, 'options'), 'options');
    filters.enter(this);
    check(library().weave_cost_create(this[HANDLE], text(model, 'model'), ...prices, ...told));
  }

  // The session itself

  stats() {
    return this.#stats ?? warnings.statsOf(this);
  }

  async flush(options = {}) {
    const isOpen = !this.#finishing;
    const remove = exit.addFlushing(this);
    try {
      await this.#settle('weave_flush', limit(options));
    } catch (error) {
      // Finishing that was asked for later may have overtaken it on another thread, and has flushed then.
      if (!isOpen || !this.#finishing || error.code !== 'WEAVE_CLOSED') throw error;
      await this.#finishing;
    } finally {
      remove();
    }
  }

  flushSync(options = {}) {
    answer('weave_flush', this[HANDLE], ...limit(options));
    warnings.look(this);
  }

  async finish(options = {}) {
    const given = limit(options);
    if (this.#handle !== null) this.#finishing = this.#settle('weave_finish', given);
    await this.#finishing;
  }

  finishSync(options = {}) {
    const given = limit(options);
    if (this.#handle === null) return;
    try {
      answer('weave_finish', this[HANDLE], ...given);
      warnings.look(this);
    } finally {
      this.#free();
    }
  }

  async #settle(name, given) {
    this.#awaited++;
    try {
      await blocking.answered(name, this[HANDLE], ...given);
      warnings.look(this);
    } finally {
      this.#awaited--;
      if (this.#finishing) this.#free();
    }
  }

  /** To be called when the session is finished, which it is however finishing ended. */
  #free() {
    if (this.#handle === null) return;
    if (this.#awaited > 0 || filters.isAsked()) return; // what uses it still does this, or the finalizer
    this.#stats = this.stats();
    this.#handle = null;
    unreachable.unregister(this);
    this.#release();
  }

  #made(name, ...given) {
    filters.enter(this);
    return answer(name, this[HANDLE], ...given);
  }

  #stored(name, data, ...names) {
    const given = bytes(data, 'data');
    return this.#made(name, ...names, given, given.length);
  }
}

/** The function that frees a session. It must not hold it. */
function releaser(handle, filter, timer, removeFromExit) {
  return () => {
    clearInterval(timer);
    removeFromExit();
    library().weave_client_free(handle);
    filters.forget(filter);
  };
}

/** The time limit that a function was given; none without one. */
function limit(options) {
  checkNames(options, ['timeout']);
  return options.timeout === undefined ? [-1] : milliseconds(options.timeout, 'timeout');
}

/** The same members under the names that records have. */
function named(given, known, place) {
  if (typeof given !== 'object' || given === null) throw invalid(`${place}: it is ${kindOf(given)}; give an object`);
  checkNames(given, known);
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [snake(name), value]));
}

function targetOf(target) {
  return target instanceof Call ? target.id : text(target, 'target');
}

module.exports = { Client };
