import type { QuickJSWASMModule } from 'quickjs-emscripten-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { createSandboxCache, type SandboxCache } from './sandbox-cache.ts';
import { needsOwnContext } from './sandbox-prelude.ts';
import { startScriptEngine } from './script-engine.ts';
import { SANDBOX_LIMITS, type SandboxLimits } from './script-sandbox.ts';
import { loadWasmModule } from './wasm-module.ts';

let quickjs: QuickJSWASMModule;
beforeAll(async () => {
  quickjs = await startScriptEngine(await loadWasmModule());
});

/** No time limit, where only memory matters. */
const PATIENT: SandboxLimits = { ...SANDBOX_LIMITS, timeLimitMs: 10_000 };

const script = (text = ''): string => `function decodeUplink() { ${text}; return { data: {} }; }`;

function run(cache: SandboxCache, scope: string, text: string): boolean {
  return cache.run({ kind: 'decodeUplink', scope, script: text, input: '{"bytes":[],"fPort":1}' })
    .ok;
}

describe('sandbox contexts', () => {
  it('are one per script and application', () => {
    const cache = createSandboxCache({ quickjs, clock: systemClock() });
    for (const scope of ['garden', 'garden', 'roof', 'garden']) run(cache, scope, script());
    expect(cache.size).toBe(2);
    run(cache, 'garden', script('1'));
    expect(cache.size).toBe(3);
  });

  it('are kept up to the capacity', () => {
    const cache = createSandboxCache({ quickjs, clock: systemClock(), capacity: 3 });
    for (let index = 0; index < 10; index++)
      expect(run(cache, 'a', script(String(index)))).toBe(true);
    expect(cache.size).toBe(3);
  });

  it.each([
    ['fails to compile', '(', false],
    ['runs out of time', script('for (;;) {}'), false],
    ['runs out of memory', script('new Uint8Array(1e9)'), false],
    ['extends built-ins', `String.prototype.x = 1; ${script()}`, true],
    ['leaves jobs behind', script('Promise.resolve().then(() => 1)'), true],
    [
      'leaves a global that cannot go',
      script(`Object.defineProperty(globalThis, 'x', { value: 1 })`),
      true,
    ],
  ])('are given up when the script %s', (_name, text, ok) => {
    const cache = createSandboxCache({ quickjs, clock: systemClock() });
    expect([run(cache, 'a', text), cache.size]).toEqual([ok, 0]);
  });

  it('are kept when a script merely throws', () => {
    const cache = createSandboxCache({ quickjs, clock: systemClock() });
    expect([run(cache, 'a', script('throw new Error()')), cache.size]).toEqual([false, 1]);
  });
});

describe('the memory of the engine', () => {
  const BOMB = script('const a = []; for (;;) a.push(new Uint8Array(1 << 20))');

  it('is there for the next script after one has used it up', () => {
    const cache = createSandboxCache({ quickjs, clock: systemClock(), limits: PATIENT });
    for (let round = 0; round < 5; round++) {
      const bomb = { kind: 'decodeUplink', scope: 'a', script: BOMB, input: '{}' } as const;
      expect(cache.run(bomb)).toMatchObject({ code: 'script_memory' });
      expect(run(cache, 'b', script())).toBe(true);
    }
  });

  it('holds idle contexts of scripts of the largest size, and gives them up for a call that needs it', () => {
    const cache = createSandboxCache({ quickjs, clock: systemClock(), limits: PATIENT });
    const filler =
      'function f(x) { return { a: x.map((n) => n * 2 + "s"), b: { c: 1 } }; }\n'.repeat(500);
    for (let index = 0; index < 64; index++) {
      expect(run(cache, `a${index}`, filler + script())).toBe(true);
    }
    const hungry = script(
      'const a = []; for (let i = 0; i < 16; i++) a.push(new Uint8Array(1 << 20))',
    );
    expect(run(cache, 'b', hungry)).toBe(true);
  });
});

describe('scripts that change built-ins are recognised', () => {
  it.each([
    ['String.prototype.hex = function () {};', true],
    [`Array.prototype['last'] = f;`, true],
    ['Object.assign = function () {};', true],
    ['Math.trunc = Math.trunc || function () {};', true],
    [`Object.defineProperty(Object, 'assign', {});`, true],
    [`var x = eval('1');`, true],
    ['Array.prototype.slice.call(bytes)', false],
    ['if (Object.keys(data).length == 0) {}', false],
    ['if (Number.MAX_VALUE === x) {}', false],
    ['Reader.prototype.u8 = function () {};', false],
    [`Object.defineProperty(data, 'x', {});`, false],
  ])('%s: %s', (text, expected) => {
    expect(needsOwnContext(text)).toBe(expected);
  });
});
