// What surrounds a call: the call that runs, attributes and thread. It follows the program over await, promises and
// timers.
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

/** `threadId` is undefined where nothing is said of threads: a call has its parent's then. */
const NOTHING = Object.freeze({ call: undefined, attributes: undefined, threadId: undefined });

const storage = new AsyncLocalStorage();

function around() {
  return storage.getStore() ?? NOTHING;
}

/** Runs a function with something of what surrounds it changed. */
function within(changes, action) {
  return storage.run({ ...around(), ...changes }, action);
}

/** The call of the op that runs here; undefined outside of any. */
function currentCall() {
  return around().call;
}

/** Both, where `above` wins and objects in the same place are merged in turn. */
function merged(below, above) {
  const result = { ...below };
  for (const [key, value] of Object.entries(above)) {
    result[key] = isObject(result[key]) && isObject(value) ? merged(result[key], value) : value;
  }
  return result;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Gives attributes to every call that begins inside. Nested ones are merged, the inner winning. */
function withAttributes(attributes, action) {
  return within({ attributes: merged(around().attributes ?? {}, attributes) }, action);
}

/** Puts every call that begins inside into a conversation; null: into none. */
function withThread(threadId, action) {
  return within({ threadId: threadId ?? '' }, action);
}

/** What a call of a session is given, with what surrounds it where nothing is said. */
function surrounded(client, given) {
  const { call, attributes, threadId } = around();
  const result = { ...given };
  const isPlaced = given.parent !== undefined || given.parentContext || given.parentId;
  if (!isPlaced && call?.client === client) result.parent = call;
  if (result.parent?.hasEnded) {
    result.parentContext = result.parent.context;
    result.parent = undefined;
  }
  if (attributes) result.attributes = merged(attributes, given.attributes ?? {});
  if (threadId !== undefined && given.threadId === undefined) result.threadId = threadId;
  return result;
}

module.exports = { within, currentCall, withAttributes, withThread, surrounded };
