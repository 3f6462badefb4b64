import { afterAll, describe, expect, it } from 'vitest';
import type { DecodeUplinkResult } from './formatter-result.ts';
import { realFormatterService } from './testing.ts';

/** Only the engine's own limits are meant here: a busy machine may take longer than the last one allows. */
const service = realFormatterService({ limits: { hardLimitMs: 20_000 } });
afterAll(() => service.close());

const GOOD = 'function decodeUplink(input) { return { data: { n: input.bytes[0] } }; }';

function decode(script: string, scope = 'garden', from = service): Promise<DecodeUplinkResult> {
  return from.decodeUplink({ scope, script, fPort: 3, bytes: Uint8Array.of(7) });
}
const body = (statements: string): string => `function decodeUplink() { ${statements} }`;

describe('a script that misbehaves costs only its own call', () => {
  it.each([
    ['an endless loop', 'for (;;) {}', 'script_timeout'],
    [
      'a loop that catches',
      'for (;;) { try { for (;;) {} } catch (e) {} finally { continue; } }',
      'script_timeout',
    ],
    ['a regular expression', `/^(a+)+$/.test('a'.repeat(40) + 'b')`, 'script_timeout'],
    ['an endless getter', 'return { get data() { for (;;) {} } }', 'script_timeout'],
    ['an endless toJSON', 'return { data: { toJSON() { for (;;) {} } } }', 'script_timeout'],
    ['an endless error text', 'throw { toString() { for (;;) {} } }', 'script_timeout'],
    ['a large buffer', 'new Uint8Array(1e9)', 'script_memory'],
    [
      'many buffers',
      'const a = []; for (;;) a.push(new Uint8Array(1 << 20))',
      /script_(timeout|memory)/,
    ],
    ['a large array', 'new Array(1e7).fill(0)', /script_(timeout|memory)/],
    ['many objects', 'const a = []; for (;;) a.push({ n: {} })', /script_(timeout|memory)/],
    ['deep recursion', 'function f(n) { return f(n + 1) + 1; } f(0)', 'script_memory'],
    ['deep native recursion', 'const f = () => [1].map(f); f()', 'script_memory'],
    [
      'deep structures',
      'let o = {}; for (let i = 0; i < 50000; i++) o = { o }; JSON.stringify(o)',
      /script_(timeout|memory)/,
    ],
    [
      'an array without end',
      'const a = []; a.length = 4294967295; return { data: { a } }',
      /script_(timeout|memory)/,
    ],
  ])('%s', async (_name, statements, code) => {
    const [bad, good] = await Promise.all([decode(body(statements)), decode(GOOD)]);
    expect(bad).toMatchObject({ ok: false, code: expect.stringMatching(code) });
    expect(good).toMatchObject({ ok: true, data: { n: 7 } });
  });

  it('deeply nested source text', async () => {
    for (const script of [
      '('.repeat(20_000),
      '['.repeat(40_000),
      '{'.repeat(40_000),
      '!'.repeat(40_000),
    ]) {
      expect(await decode(script)).toMatchObject({ ok: false });
    }
    expect(await decode(GOOD)).toMatchObject({ ok: true });
  });

  it('the same script works again after its time limit', async () => {
    const script = body('if (Math.random() >= 0) { globalThis.x = 1; for (;;) {} }');
    expect(await decode(script)).toMatchObject({ code: 'script_timeout' });
    expect(await decode(script)).toMatchObject({ code: 'script_timeout' });
  });
});

describe('a stuck worker', () => {
  it('is replaced, and waiting calls go to the next one', async () => {
    const own = realFormatterService({ limits: { hardLimitMs: 300 } });
    const stuck = body('const a = []; a.length = 4294967295; a.indexOf(1)');
    const [bad, ...good] = await Promise.all([
      decode(stuck, 'garden', own),
      decode(GOOD, 'garden', own),
      decode(GOOD, 'roof', own),
    ]);
    expect(bad).toMatchObject({ ok: false, code: 'worker_lost' });
    for (const result of good) expect(result).toMatchObject({ ok: true, data: { n: 7 } });
    await own.close();
  });

  it('costs nobody else a call, however many wait with it', async () => {
    const own = realFormatterService({ limits: { hardLimitMs: 300 } });
    const stuck = body('const a = []; a.length = 4294967295; a.indexOf(1)');
    const results = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        decode(
          index === 20 ? stuck : body(`return { data: { index: ${index % 5} } }`),
          `a${index % 3}`,
          own,
        ),
      ),
    );
    const failed = results.flatMap((result, index) => (result.ok ? [] : [index]));
    expect(failed).toEqual([20]);
    for (const [index, result] of results.entries())
      if (result.ok) expect(result.data).toEqual({ index: index % 5 });
    await own.close();
  });

  it('does not keep close() waiting', async () => {
    const own = realFormatterService();
    await decode(GOOD, 'garden', own);
    const outstanding = [
      decode(body('const a = []; a.length = 4294967295; a.indexOf(1)'), 'garden', own),
      decode(GOOD, 'garden', own),
    ];
    await own.close();
    for (const result of await Promise.all([...outstanding, decode(GOOD, 'garden', own)])) {
      expect(result).toMatchObject({ ok: false, code: 'worker_lost' });
    }
  });
});

describe('a worker that does not come up', () => {
  it.each([
    ['its file is missing', { workerUrl: new URL('./no-such-worker.ts', import.meta.url) }],
    ['the engine is missing', { wasmUrl: new URL('./no-such.wasm', import.meta.url) }],
    ['it takes too long', { limits: { startLimitMs: 0 } }],
  ])('answers every waiting call: %s', async (_name, options) => {
    const own = realFormatterService(options);
    for (let round = 0; round < 2; round++) {
      const results = await Promise.all([decode(GOOD, 'a', own), decode(GOOD, 'b', own)]);
      for (const result of results)
        expect(result).toMatchObject({ ok: false, code: 'worker_lost' });
    }
    await own.close();
  });
});

describe('waiting calls', () => {
  it('are bounded in total and per application', async () => {
    const own = realFormatterService({ limits: { maxPending: 6, maxPendingPerScope: 4 } });
    const flood = Array.from({ length: 10 }, () => decode(GOOD, 'noisy', own));
    const quiet = Array.from({ length: 3 }, () => decode(GOOD, 'quiet', own));
    const count = async (calls: Promise<DecodeUplinkResult>[]): Promise<number> =>
      (await Promise.all(calls)).filter((result) => result.ok).length;
    expect([await count(flood), await count(quiet)]).toEqual([4, 2]);
    expect(await flood[9]).toMatchObject({ ok: false, code: 'busy' });
    await own.close();
  });

  it('are all answered, in order within an application', async () => {
    const order: string[] = [];
    const calls = ['a', 'b', 'c'].flatMap((scope) =>
      Array.from({ length: 60 }, async (_, index) => {
        const result = await decode(GOOD, scope);
        order.push(`${scope}${index}`);
        return result.ok;
      }),
    );
    expect((await Promise.all(calls)).every(Boolean)).toBe(true);
    for (const scope of ['a', 'b', 'c']) {
      const own = order.filter((entry) => entry.startsWith(scope));
      expect(own).toEqual(Array.from({ length: 60 }, (_, index) => `${scope}${index}`));
    }
  });
});
