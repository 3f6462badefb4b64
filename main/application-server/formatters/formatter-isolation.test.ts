import { afterAll, describe, expect, it } from 'vitest';
import type { DecodeUplinkResult } from './formatter-result.ts';
import { realFormatterService } from './testing.ts';

const service = realFormatterService();
afterAll(() => service.close());

function decode(script: string, scope = 'garden'): Promise<DecodeUplinkResult> {
  const bytes = Uint8Array.of(1, 2);
  return service.decodeUplink({ scope, script, fPort: 3, bytes, receivedAtMs: 0 });
}
async function dataOf(script: string): Promise<unknown> {
  const result = await decode(script);
  return result.ok ? result.data : result;
}

/** Runs a script twice that reports with `expression` before it changes something with `change`. */
async function twice(expression: string, change: string): Promise<readonly unknown[]> {
  const script = `function decodeUplink(input) {
    const data = { seen: ${expression} };
    try { ${change} } catch (error) {}
    return { data };
  }`;
  return [await dataOf(script), await dataOf(script)];
}

describe('a call leaves nothing to the next one', () => {
  it.each([
    ['let', 'let calls = 0;'],
    ['var', 'var calls = 0;'],
    ['global', 'globalThis.calls = globalThis.calls || 0;'],
    ['this', 'this.calls = this.calls || 0;'],
    ['undeclared', `if (typeof calls === 'undefined') calls = 0;`],
  ])('a counter made with %s stays at 1', async (_name, head) => {
    const script = `${head}\nfunction decodeUplink() { calls++; return { data: { calls } }; }`;
    expect([await dataOf(script), await dataOf(script), await dataOf(script)]).toEqual([
      { calls: 1 },
      { calls: 1 },
      { calls: 1 },
    ]);
  });

  it.each([
    [`'x' in {}`, 'Object.prototype.x = 1'],
    [`'x' in []`, 'const p = Array.prototype; p.x = 1'],
    ['[3].map((n) => n)[0]', 'const p = Array.prototype; p.map = () => [9]'],
    ['[3].map((n) => n)[0]', 'Array.prototype.map = () => [9]'],
    ['[...[3]].length', 'const p = Array.prototype; p[Symbol.iterator] = function* () {}'],
    [`JSON.stringify({ a: 1 })`, `const j = JSON; j.stringify = () => '{}'`],
    [`JSON.stringify({ a: 1 })`, `JSON.stringify = () => '{"ok":true,"value":{}}'`],
    [`JSON.parse('1')`, 'JSON.parse = () => 9'],
    ['Math.max(1, 2)', 'const m = Math; m.max = () => 9'],
    ['typeof stray', 'globalThis.stray = 1'],
    ['typeof stray', 'stray = 1'],
    ['typeof stray', `new Function('stray = 1')()`],
    ['typeof stray', `Object.defineProperty(globalThis, 'stray', { value: 1 })`],
    ['typeof stray', `Object.setPrototypeOf(globalThis, { stray: 1 })`],
    ['Object.isExtensible(globalThis)', 'Object.preventExtensions(globalThis)'],
    [
      `'x' in (function* () {}).prototype`,
      'Object.getPrototypeOf(function* () {}).prototype.x = 1',
    ],
    [`'x' in [][Symbol.iterator]()`, 'Object.getPrototypeOf([][Symbol.iterator]()).x = 1'],
    [`'x' in decodeUplink`, 'decodeUplink.x = 1; decodeUplink.constructor.x = 1'],
    [`'x' in Object.getOwnPropertyDescriptor(Object.prototype, 'toString')`, '({}).toString.x = 1'],
    [`({}).toString.x === undefined`, '({}).toString.x = 1'],
    ['typeof left', 'Promise.resolve().then(() => { globalThis.left = 1; })'],
    [
      `(() => { try { return typeof arguments.callee } catch (e) { return e.name } })()`,
      'arguments.callee.x = 1',
    ],
  ])('%s stays the same after %s', async (expression, change) => {
    const [first, second] = await twice(expression, change);
    expect(first).toHaveProperty('seen');
    expect(second).toEqual(first);
  });

  it('holds for variables that an indirect eval declares', async () => {
    const script = `function decodeUplink() {
      const seen = (0, eval)('typeof kept');
      (0, eval)('let kept = 1');
      return { data: { seen } };
    }`;
    expect([await dataOf(script), await dataOf(script)]).toEqual([
      { seen: 'undefined' },
      { seen: 'undefined' },
    ]);
  });

  it('finds every built-in object frozen', async () => {
    const script = `function decodeUplink() {
      const seen = new Set(), loose = [];
      const visit = (item, path) => {
        if ((typeof item !== 'object' && typeof item !== 'function') || item === null || seen.has(item)) return;
        seen.add(item);
        if (item !== globalThis && !Object.isFrozen(item)) loose.push(path);
        visit(Object.getPrototypeOf(item), path + '.proto');
        for (const key of Reflect.ownKeys(item)) {
          const d = Object.getOwnPropertyDescriptor(item, key);
          if (item === globalThis && (d.configurable || d.writable)) loose.push(String(key));
          visit(d.value, path + '.' + String(key));
          visit(d.get, path + '.get ' + String(key));
          visit(d.set, path + '.set ' + String(key));
        }
      };
      visit(globalThis, 'global');
      for (const sample of [[][Symbol.iterator](), function* () {}, async function* () {}, async () => {},
        /a/, 'a'.matchAll(/a/g), new Map().keys(), new Proxy({}, {}), new Date()]) {
        visit(Object.getPrototypeOf(sample), 'sample');
      }
      return { data: { loose, many: seen.size > 300 } };
    }`;
    expect(await dataOf(script)).toEqual({ loose: [], many: true });
  });
});

describe('frozen built-ins do not get in the way', () => {
  it('own objects may shadow inherited names', async () => {
    const script = `'use strict';
      function Reading(value) { this.value = value; }
      Reading.prototype.toString = function () { return 'r' + this.value; };
      class Short extends Error { constructor() { super('short'); this.name = 'Short'; } }
      function decodeUplink() {
        const data = {};
        data.constructor = 'acme';
        data.reading = String(new Reading(4));
        data.error = String(new Short());
        data.keys = Object.keys(data);
        return { data };
      }`;
    expect(await dataOf(script)).toEqual({
      constructor: 'acme',
      reading: 'r4',
      error: 'Short: short',
      keys: ['constructor', 'reading', 'error'],
    });
  });

  it('scripts that extend built-ins still work', async () => {
    const script = `String.prototype.twice = function () { return this + this; };
      if (!Array.prototype.last) Object.defineProperty(Array.prototype, 'last', { value() { return this[this.length - 1]; } });
      function decodeUplink(input) { return { data: { text: 'ab'.twice(), last: input.bytes.last() } }; }`;
    expect([await dataOf(script), await dataOf(script)]).toEqual([
      { text: 'abab', last: 2 },
      { text: 'abab', last: 2 },
    ]);
  });
});

describe('the sandbox is closed', () => {
  it('has nothing of the host in it', async () => {
    const names = [
      'process',
      'require',
      'console',
      'setTimeout',
      'fetch',
      'WebAssembly',
      'std',
      'os',
      'print',
    ];
    const types = names.map((name) => `typeof ${name}`).join(', ');
    expect(
      await dataOf(`function decodeUplink() { return { data: { found: [${types}] } }; }`),
    ).toEqual({
      found: names.map(() => 'undefined'),
    });
    expect(
      await decode(`function decodeUplink() { return { data: import('node:fs') }; }`),
    ).toMatchObject({
      ok: true,
      data: {},
    });
  });

  it('a script cannot close the text around it', async () => {
    const script = `}); globalThis.out = 1; (() => { function decodeUplink() { return { data: {} }; }`;
    expect(await decode(script)).toMatchObject({ ok: false, code: 'script_error', line: 1 });
    expect(await decode('return 4;')).toMatchObject({ ok: false, code: 'script_error' });
  });
});

describe('errors carry the line of the script', () => {
  it.each([
    [
      'a thrown error',
      `function fail() {\n  throw new TypeError('boo');\n}\nfunction decodeUplink() { fail(); }`,
      2,
      'TypeError: boo',
    ],
    ['a first line', `function decodeUplink() { nothing.here; }`, 1, /^ReferenceError: /],
    ['a top level error', `var a = 1;\n\nnothing();\n`, 3, /^ReferenceError: /],
    ['bad syntax', 'function decodeUplink() {\n  foo(\n}', 3, /^SyntaxError: /],
    ['an unfinished script', 'function decodeUplink() {\n  foo();\n', 3, /^SyntaxError: /],
    [
      'an endless loop',
      'function decodeUplink() {\n  let n = 0;\n  for (;;) Math.max(n++);\n}',
      3,
      /longer than 100 ms/,
    ],
  ])('%s', async (_name, script, line, message) => {
    const result = await decode(script);
    expect(result).toMatchObject({ ok: false, line, message: expect.stringMatching(message) });
  });

  it('whatever is thrown', async () => {
    expect(await decode(`function decodeUplink() { throw 'too short'; }`)).toMatchObject({
      code: 'script_error',
      message: 'too short',
    });
    expect(
      await decode('function decodeUplink() { throw { toString() { throw 1; } }; }'),
    ).toMatchObject({
      code: 'script_error',
    });
    expect(
      await decode(`function decodeUplink() { throw new Error('x'.repeat(5000)); }`),
    ).toMatchObject({
      message: expect.stringMatching(/^.{1001}$/),
    });
  });
});
