/** Name under which the user's script appears in stack traces. */
export const SCRIPT_FILE = 'formatter.js';

/** Longest JSON text, in UTF-16 units, that a script may return. */
export const MAX_OUTPUT_LENGTH = 65_536;

/**
 * Source text that runs inside the sandbox, before any user script: a function of `(shared, maxOutput)` that returns
 * `{ run, sweep }`. It is text because it belongs to the other engine; a compiler must not touch it.
 *
 * `run(factory, kind, input)` evaluates the script, calls its functions and returns JSON text of the outcome.
 * `sweep()` removes globals that a call left behind and says whether the context is as new.
 *
 * What is used after user code has run is captured first. With `shared`, everything reachable from the global object is
 * frozen, so that a call cannot leave anything to the next one. Frozen prototypes would also forbid own properties of
 * the same name (`error.name = …`, `Reading.prototype.toString = …`); those are let through by accessors.
 * `eval` goes with them: an indirect eval could declare variables that no sweep can see.
 */
export const SANDBOX_PRELUDE = `(function (shared, maxOutput) {
'use strict';
const { parse, stringify } = JSON;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { isFinite } = Number;
const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor, defineProperty, deleteProperty, isExtensible } = Reflect;
const { create, freeze, keys } = Object;
const text = String;
const Internal = InternalError;
const boxes = [Number, String, Boolean];
const Moment = Date;
const root = globalThis;

class Failure {
  constructor(code, message, errors) {
    this.code = code;
    this.message = message;
    this.errors = errors;
  }
}
const callable = (value) => typeof value === 'function';

function plain(value, path, depth) {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (isFinite(value)) return value;
    throw new Failure('output_encoding', path + ' is ' + text(value) + ', which JSON cannot hold.');
  }
  if (typeof value === 'bigint') {
    throw new Failure('output_encoding', path + ' is a BigInt, which JSON cannot hold.');
  }
  if (typeof value !== 'object') return undefined;
  if (depth === 64) {
    throw new Failure('output_encoding', 'The result is nested deeper than 64 levels or refers back to itself.');
  }
  if (callable(value.toJSON)) return plain(value.toJSON(), path, depth + 1);
  for (let i = 0; i < 3; i++) {
    if (value instanceof boxes[i]) return plain(value.valueOf(), path, depth + 1);
  }
  if (isArray(value) || (isView(value) && typeof value.length === 'number')) {
    const list = [];
    for (let i = 0; i < value.length; i++) {
      const item = plain(value[i], path + '[' + i + ']', depth + 1);
      list[i] = item === undefined ? null : item;
    }
    return list;
  }
  const object = create(null);
  const names = keys(value);
  for (let i = 0; i < names.length; i++) {
    const item = plain(value[names[i]], path + '.' + names[i], depth + 1);
    if (item !== undefined) object[names[i]] = item;
  }
  return object;
}

function texts(value, name) {
  if (value === undefined || value === null) return [];
  if (!isArray(value)) throw new Failure('output', name + ' must be an array of texts.');
  const list = [];
  for (let i = 0; i < value.length; i++) list[i] = text(value[i]);
  return list;
}

function present(value, name) {
  if (value === undefined || value === null) throw new Failure('no_script_output', name + ' returned nothing.');
  if (callable(value.then)) {
    throw new Failure('output', name + ' returned a promise; a formatter must return its result directly.');
  }
  return value;
}

function result(value, name) {
  present(value, name);
  if (typeof value !== 'object' || isArray(value)) throw new Failure('output', name + ' must return an object.');
  const errors = texts(value.errors, name + ': errors');
  if (errors.length > 0) {
    let message = errors[0];
    for (let i = 1; i < errors.length; i++) message += ', ' + errors[i];
    throw new Failure('output_errors', message, errors);
  }
  return {
    __proto__: null,
    data: plain(value.data, 'data', 0),
    bytes: plain(value.bytes, 'bytes', 0),
    fPort: plain(value.fPort, 'fPort', 0),
    warnings: texts(value.warnings, name + ': warnings'),
  };
}

function missing(names) {
  return new Failure('entrypoint_not_found', 'The script does not define ' + names + '.');
}

const kinds = {
  __proto__: null,
  decodeUplink(script, input) {
    if (!callable(script.decodeUplink)) {
      if (!callable(script.Decoder)) throw missing('a function decodeUplink');
      const data = present(script.Decoder(input.bytes, input.fPort), 'Decoder');
      return { __proto__: null, decoded: { __proto__: null, data: plain(data, 'data', 0), warnings: [] } };
    }
    // JSON has no dates, so the time crosses as a number.
    if (input.recvTime !== undefined) input.recvTime = new Moment(input.recvTime);
    const output = script.decodeUplink(input);
    const decoded = result(output, 'decodeUplink');
    const data = output.data;
    if (!data || typeof data !== 'object' || !callable(script.normalizeUplink)) return { __proto__: null, decoded };
    const normalized = script.normalizeUplink({ data });
    if (normalized === undefined || normalized === null) return { __proto__: null, decoded };
    return { __proto__: null, decoded, normalized: result(normalized, 'normalizeUplink') };
  },
  encodeDownlink(script, input) {
    if (callable(script.encodeDownlink)) return result(script.encodeDownlink(input), 'encodeDownlink');
    if (!callable(script.Encoder)) throw missing('a function encodeDownlink');
    const fPort = input.fPort;
    const bytes = present(script.Encoder(input.data, fPort), 'Encoder');
    return { __proto__: null, bytes: plain(bytes, 'bytes', 0), fPort, warnings: [] };
  },
  decodeDownlink(script, input) {
    if (!callable(script.decodeDownlink)) throw missing('a function decodeDownlink');
    return result(script.decodeDownlink(input), 'decodeDownlink');
  },
};

function describe(error) {
  if (error instanceof Failure) {
    return { __proto__: null, code: error.code, message: error.message, errors: error.errors };
  }
  // Without memory for an error object the engine throws null.
  if (error === null) return { __proto__: null, code: 'script_memory' };
  const object = typeof error === 'object' && error !== null;
  const stack = object && typeof error.stack === 'string' ? error.stack : '';
  if (error instanceof Internal) {
    if (error.message === 'out of memory' || error.message === '') return { __proto__: null, code: 'script_memory' };
    if (error.message === 'stack overflow') {
      return { __proto__: null, code: 'script_memory', message: 'The script calls itself too deeply.', stack };
    }
  }
  const message = object && error.message !== undefined ? text(error.name) + ': ' + text(error.message) : text(error);
  return { __proto__: null, code: 'script_error', message, stack };
}

function describeSafely(error) {
  try {
    return describe(error);
  } catch (second) {
    if (second === null || second instanceof Internal) throw second;
    return { __proto__: null, code: 'script_error', message: 'The script threw something that has no text.' };
  }
}

function run(factory, kind, input) {
  let outcome;
  try {
    const value = kinds[kind](factory(), parse(input));
    outcome = stringify({ __proto__: null, ok: true, value });
    if (outcome.length > maxOutput) {
      throw new Failure('output', 'The result is larger than ' + maxOutput + ' characters of JSON.');
    }
  } catch (error) {
    outcome = stringify({ __proto__: null, ok: false, error: describeSafely(error) });
  }
  return outcome;
}

if (!shared) return { run, sweep: () => false };

deleteProperty(root, 'eval');
const seen = new Set();
const waiting = [
  root,
  function* () {}, async function () {}, async function* () {},
  [][Symbol.iterator](), new Map().entries(), new Set().values(), ''[Symbol.iterator](), 'a'.matchAll(/a/g),
  (function* () {})(), (async function* () {})(),
];
while (waiting.length > 0) {
  const item = waiting.pop();
  if ((typeof item !== 'object' && typeof item !== 'function') || item === null || seen.has(item)) continue;
  seen.add(item);
  waiting.push(getPrototypeOf(item));
  for (const key of ownKeys(item)) {
    const property = getOwnPropertyDescriptor(item, key);
    waiting.push(property.value, property.get, property.set);
  }
}
function allowShadowing(home) {
  for (const key of ownKeys(home)) {
    const property = getOwnPropertyDescriptor(home, key);
    if (!property.configurable || !property.writable) continue;
    const { value } = property;
    const get = () => value;
    const set = function (own) {
      if (this === home || (typeof this !== 'object' && typeof this !== 'function') || this === null) return;
      defineProperty(this, key, { __proto__: null, value: own, writable: true, enumerable: true, configurable: true });
    };
    freeze(get);
    freeze(set);
    freeze(set.prototype);
    defineProperty(home, key, { get, set, enumerable: false, configurable: false });
  }
}
for (const home of [Object, Function, Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
  allowShadowing(home.prototype);
}
for (const item of seen) if (item !== root) freeze(item);
for (const key of ownKeys(root)) {
  const property = getOwnPropertyDescriptor(root, key);
  defineProperty(root, key, 'value' in property ? { writable: false, configurable: false } : { configurable: false });
}
const rootPrototype = getPrototypeOf(root);
const builtIn = new Set(ownKeys(root));
function sweep() {
  if (!isExtensible(root) || getPrototypeOf(root) !== rootPrototype) return false;
  const names = ownKeys(root);
  for (let i = 0; i < names.length; i++) {
    if (!builtIn.has(names[i]) && !deleteProperty(root, names[i])) return false;
  }
  return true;
}
return { run, sweep };
})`;

const BUILT_IN =
  '(?:Object|Function|Array|String|Number|Boolean|Symbol|Date|Math|JSON|RegExp|Map|Set|Promise|Error|BigInt|\\w+Array|ArrayBuffer|DataView)';

const CHANGES_BUILT_IN = new RegExp(
  [
    `\\b${BUILT_IN}(?:\\s*\\.\\s*prototype)?\\s*(?:\\.\\s*\\w+|\\[[^\\]\\n]*\\])\\s*=(?!=)`,
    `\\b(?:defineProperty|defineProperties|assign|setPrototypeOf)\\s*\\(\\s*${BUILT_IN}\\b`,
    '\\beval\\b',
  ].join('|'),
);

/**
 * Whether a script looks as if it extends built-in objects (`String.prototype.x = …`, polyfills) or uses `eval`. Such a
 * script gets a context of its own for each call, in which nothing is frozen. A wrong guess costs time or a failed
 * assignment, never isolation.
 */
export function needsOwnContext(script: string): boolean {
  return CHANGES_BUILT_IN.test(script);
}
