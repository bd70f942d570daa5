// JavaScript values as JSON text, and back. Checks, repairs and redaction are the library's.
'use strict';

const { randomUUID } = require('node:crypto');
const { isBoxedPrimitive, isMap, isNativeError, isSet, isTypedArray } = require('node:util').types;
const { WeaveError, invalid, kindOf, INVALID_JSON, INVALID_UTF8 } = require('./errors.js');
const { library, lastError } = require('./native.js');

/** Deeper values are left to the encoder of this file, which finds a value that contains itself. */
const DEEPEST_PLAIN = 100;

/** JSON that is text already. */
class RawJson {
  constructor(text) {
    this.text = text;
  }
}

/** Puts JSON that is text already into a value, at any depth, or in place of one. The library checks it. */
function rawJson(text) {
  if (typeof text !== 'string') throw invalid(`json: it is no text but ${kindOf(text)}; give a string`);
  return new RawJson(text);
}

/** The text, when it can be passed to C whole; `place` is where it stands, for errors. */
function passable({ text }, place) {
  if (text.includes('\0')) throw invalid(`${place}: holds a NUL character, which JSON writes as \\u0000`, INVALID_JSON);
  if (/\p{Surrogate}/u.test(text)) {
    const told = `${place}: holds half of a surrogate pair, which UTF-8 does not have; escape it as \\uXXXX`;
    throw invalid(told, INVALID_UTF8);
  }
  return text;
}

/**
 * The JSON text of a value; undefined for what JSON.stringify leaves out.
 *
 * It is what JSON.stringify makes of it, and beside that: a BigInt is a whole number, a Map an object (a list of pairs
 * when a key is no string), a Set and a typed array a list, an Error its name, message and own members.
 */
function encode(value, field) {
  if (value instanceof RawJson) return passable(value, field);
  try {
    return isPlain(value, DEEPEST_PLAIN) ? JSON.stringify(value) : new Encoder().encode(value, field, '');
  } catch (error) {
    if (error instanceof WeaveError) throw error;
    throw new WeaveError(`${field}: cannot be made JSON: ${error?.message ?? error}`, INVALID_JSON, { cause: error });
  }
}

/** Whether JSON.stringify alone does it, which is several times as fast. */
function isPlain(value, depth) {
  switch (typeof value) {
    case 'string': case 'number': case 'boolean': case 'undefined': return true;
    case 'object': break;
    default: return false;
  }
  if (value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isPlain(value[index], depth - 1)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) if (!isPlain(value[key], depth - 1)) return false;
  return true;
}

/** One value on its way to JSON. */
class Encoder {
  /** The objects that are being encoded, from the outermost in. */
  #ancestors = new Set();

  /** `place` is where the value stands, for errors; `key` what a toJSON of it is given. */
  encode(value, place, key) {
    if (value instanceof RawJson) return checked(value, place);
    if (['object', 'bigint'].includes(typeof value) && typeof value?.toJSON === 'function') {
      value = value.toJSON(key);
      if (value instanceof RawJson) return checked(value, place);
    }
    if (typeof value === 'object' && isBoxedPrimitive(value)) value = value.valueOf();
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (this.#ancestors.has(value)) {
      throw invalid(`${place}: it contains itself; leave it out, or give what is to be seen of it`, INVALID_JSON);
    }
    this.#ancestors.add(value);
    try {
      return this.#object(value, place);
    } finally {
      this.#ancestors.delete(value);
    }
  }

  #object(value, place) {
    if (Array.isArray(value) || isTypedArray(value)) return this.#list(value, place);
    if (isSet(value)) return this.#list([...value], place);
    if (isMap(value)) {
      const pairs = [...value];
      return pairs.every(([key]) => typeof key === 'string') ? this.#members(pairs, place) : this.#list(pairs, place);
    }
    const { name, message } = value;
    return this.#members(Object.entries(isNativeError(value) ? { name, message, ...value } : value), place);
  }

  #list(items, place) {
    const texts = [];
    for (let index = 0; index < items.length; index++) {
      texts.push(this.encode(items[index], `${place}[${index}]`, String(index)) ?? 'null');
    }
    return `[${texts.join(',')}]`;
  }

  #members(entries, place) {
    const texts = [];
    for (const [key, item] of entries) {
      const text = this.encode(item, `${place}.${key}`, key);
      if (text !== undefined) texts.push(`${JSON.stringify(key)}:${text}`);
    }
    return `{${texts.join(',')}}`;
  }
}

/** A text that is to stand amid others. What is no JSON by itself might be some together with its surroundings. */
function checked(raw, place) {
  const text = passable(raw, place);
  const c = library();
  const list = c.weave_json_new_array();
  const status = c.weave_json_set_json(list, null, text, -1);
  const told = status === 0 ? '' : lastError(status);
  c.weave_json_free(list);
  if (status !== 0) throw new WeaveError(`${place}: ${told}`, status);
  return text;
}

/** What tells where strings begin and end, and a whole number that may be beyond doubles: no fraction or exponent. */
const QUOTE_OR_LONG = /\\.|"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/** The value of a JSON text. Whole numbers that a double does not hold are BigInts. */
function parse(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const mark = randomUUID();
  let isInString = false;
  const marked = text.replace(QUOTE_OR_LONG, (token) => {
    if (token === '"') isInString = !isInString;
    const isLong = !isInString && token.length >= 16 && !Number.isSafeInteger(Number(token));
    return isLong ? `"${mark}${token}"` : token;
  });
  return JSON.parse(marked, (_, value) => (
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value));
}

module.exports = { RawJson, rawJson, encode, parse };
