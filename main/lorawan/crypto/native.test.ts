import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { unavailable } from '../../../test/support/unavailable.ts';
import { type AesKey, emptyKey } from './aes.ts';
import { type CryptoImplementation, implementation, setImplementation } from './implementation.ts';
import { KeyTable } from './key-table.ts';
import { addonFile, loadAddon } from './load-addon.ts';
import { type NativeAddon, nativeImplementation } from './native.ts';
import { portable } from './portable.ts';
import { selfTestCrypto, wrongAnswerOf } from './self-test.ts';
import { UPLINK, UPLINK_RESULT, UPLINK_WORDS } from './uplink-batch.ts';

const found = loadAddon();
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-native-'));

afterEach(() => {
  vi.unstubAllEnvs();
  setImplementation(portable);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const keyBytes = bytes(16, 16);
const counter = fc.nat(0xffff_ffff);

/** The bytes in the middle of a larger array, as received frames are. */
function somewhere(content: Uint8Array, offset: number): Uint8Array {
  const larger = new Uint8Array(content.length + offset + 7);
  larger.set(content, offset);
  return larger.subarray(offset, offset + content.length);
}

function expand(used: CryptoImplementation, content: Uint8Array): AesKey {
  const key = emptyKey(content);
  used.fillKey(key, content);
  return key;
}

/** A 1.0.x data uplink with its MIC, or with a wrong one. */
function uplink(key: AesKey, fullFCnt: number, body: Uint8Array, isBroken: boolean): Uint8Array {
  const message = Uint8Array.of(0x40, 1, 2, 3, 4, 0, fullFCnt, fullFCnt >>> 8, ...body);
  const word = portable.micWord(key, 0, 0, fullFCnt, message, message.length);
  const mic = [word, word >>> 8, word >>> 16, word >>> 24];
  return Uint8Array.of(...message, ...mic.map((byte) => byte ^ (isBroken ? 1 : 0)));
}

const natives = 'absent' in found ? [] : [found, found.portable].map(nativeImplementation);

describe.each(natives)('$name agrees with TypeScript', (native) => {
  it('runs the published vectors', () => {
    expect(wrongAnswerOf(native)).toBeUndefined();
  });

  it('expands keys to the same words', () => {
    fc.assert(
      fc.property(keyBytes, (key) => {
        expect(expand(native, key).words).toEqual(expand(portable, key).words);
      }),
    );
  });

  it('gives the same CMAC, MIC and payload at every length and offset', () => {
    const inputs = fc.tuple(keyBytes, bytes(0, 255), fc.nat(40), counter, counter, counter);
    fc.assert(
      fc.property(inputs, fc.boolean(), fc.nat(255), ([raw, content, offset, ...rest], up, c) => {
        const [fCnt, lead, address] = rest;
        const key = expand(portable, raw);
        const input = somewhere(content, offset);
        const side = up ? 0 : 1;
        expect(native.cmac(key, input)).toEqual(portable.cmac(key, input));
        expect(native.crypt(key, c, side, address, fCnt, input)).toEqual(
          portable.crypt(key, c, side, address, fCnt, input),
        );
        if (input.length < 5) return;
        const end = input.length;
        expect(native.micWord(key, side, lead, fCnt, input, end)).toBe(
          portable.micWord(key, side, lead, fCnt, input, end),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('takes messages of every length around the blocks', () => {
    const key = expand(portable, new Uint8Array(16).fill(9));
    const message = Uint8Array.from({ length: 600 }, (_, index) => index * 7);
    for (let length = 0; length <= message.length; length++) {
      const part = message.subarray(0, length);
      expect(native.cmac(key, part)).toEqual(portable.cmac(key, part));
      expect(native.crypt(key, 0, 0, 1, 2, part)).toEqual(portable.crypt(key, 0, 0, 1, 2, part));
    }
  });

  it('finds the same session among any number, and goes on behind it', () => {
    const search = fc.record({
      keys: fc.array(keyBytes, { minLength: 1, maxLength: 9 }),
      rows: fc.array(fc.tuple(fc.nat(8), fc.nat(2), fc.boolean()), { maxLength: 40 }),
      body: bytes(0, 60),
      from: fc.nat(41),
    });
    fc.assert(
      fc.property(search, ({ keys, rows, body, from }) => {
        const expanded = keys.map((raw) => expand(portable, raw));
        const candidates = rows.map(([row, fullFCnt, split]) => ({
          row: row % keys.length,
          fullFCnt,
          split,
        }));
        const table = new KeyTable(expanded);
        const frame = uplink(expanded[0]!, 1, body, false);
        expect(native.searchMics(table, candidates, from, frame)).toBe(
          portable.searchMics(table, candidates, from, frame),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('opens the same frames of a batch', () => {
    const one = fc.record({ body: bytes(0, 60), broken: fc.boolean(), network: fc.nat(1) });
    const batch = fc.array(one, { maxLength: 20 });
    fc.assert(
      fc.property(keyBytes, keyBytes, batch, fc.nat(900), (first, second, made, room) => {
        const pair = [expand(portable, first), expand(portable, second)];
        const table = new Uint32Array(made.length * UPLINK_WORDS);
        const parts: Uint8Array[] = [];
        let offset = 0;
        made.forEach(({ body, broken, network }, index) => {
          const frame = uplink(pair[network]!, index, body, broken);
          table.set([network, 1 - network, index, offset, frame.length], index * UPLINK_WORDS);
          parts.push(frame);
          offset += frame.length;
        });
        const results = [native, portable].map((used) => {
          const payloads = new Uint8Array(room);
          const copy = table.slice();
          const frames = new Uint8Array(Buffer.concat(parts));
          const of = { keys: new KeyTable(pair), frames, table: copy, payloads };
          return { opened: used.openUplinks(of, made.length), table: copy, payloads };
        });
        expect(results[0]).toEqual(results[1]);
      }),
      { numRuns: 300 },
    );
  });

  it('says what is wrong with a frame', () => {
    const key = expand(portable, new Uint8Array(16));
    const frames = [
      [uplink(key, 0, Uint8Array.of(), false), UPLINK_RESULT.noPort],
      [uplink(key, 0, Uint8Array.of(226, 1), false), 226],
      [uplink(key, 0, Uint8Array.of(1, 1), true), UPLINK_RESULT.wrongMic],
      [Uint8Array.of(0x60, ...uplink(key, 0, Uint8Array.of(1), false).subarray(1)), -2],
      [uplink(key, 0, Uint8Array.of(), false).subarray(0, 11), UPLINK_RESULT.malformed],
      [uplink(key, 0, new Uint8Array(40).fill(1), false), UPLINK_RESULT.noRoom],
    ] as const;
    for (const [frame, expected] of frames) {
      const table = new Uint32Array(UPLINK_WORDS);
      table.set([0, 0, 0, 0, frame.length]);
      const batch = {
        keys: new KeyTable([key]),
        frames: frame,
        table,
        payloads: new Uint8Array(8),
      };
      const opened = native.openUplinks(batch, 1);
      expect((table[UPLINK.port] ?? 0) | 0).toBe(expected);
      expect(opened).toBe(expected >= UPLINK_RESULT.noPort ? 1 : 0);
    }
  });
});

/** Every function with arguments of every wrong kind, in a process of its own: a crash would end it by a signal. */
function hostileCalls(): void {
  const program = fileURLToPath(new URL('./testing/hostile-calls.ts', import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, addonFile()], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect({ status, signal }).toEqual({ status: 0, signal: null });
  const { calls, thrown } = JSON.parse(stdout) as { calls: number; thrown: number };
  expect(calls).toBeGreaterThan(5_000);
  expect(thrown).toBeGreaterThan(calls / 2);
}

function withAddon({ aes }: NativeAddon): void {
  describe('the addon', () => {
    it('is what the program uses', () => {
      expect(selfTestCrypto()).toEqual({ ok: true, name: `native (${aes})` });
      expect(implementation().name).toBe(`native (${aes})`);
    });

    it('survives hostile calls', hostileCalls);

    it('is loaded in several threads at once', () => {
      const script = `
        const { Worker, isMainThread, parentPort } = require('node:worker_threads');
        const addon = require(${JSON.stringify(addonFile())});
        const words = new Uint32Array(52);
        for (let i = 0; i < 1000; i++) addon.expandKey(Buffer.alloc(16, 1), words);
        if (isMainThread) for (let i = 0; i < 4; i++) new Worker(__filename);
        process.stdout.write(String(words[0]) + ' ');`;
      const file = join(folder, 'threads.cjs');
      writeFileSync(file, script);
      const { status, stdout } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(stdout.trim().split(' ')).toEqual(Array(5).fill(String(0x01010101)));
    });

    it.each(['aes', 'cmac', 'micWord', 'crypt', 'searchMics', 'openUplinks', 'expandKey'] as const)(
      'is not used if %s is wrong',
      (name) => {
        const file = join(folder, `wrong-${name}.cjs`);
        const wrong = name === 'aes' ? '{ }' : `{ ...good, ${name}: () => 0 }`;
        const source = `const good = require(${JSON.stringify(addonFile())}); module.exports = ${wrong};`;
        writeFileSync(file, source);
        const report = selfTestCrypto(file);
        expect(report).toMatchObject({ ok: true, name: 'TypeScript' });
        expect(report.reason).toMatch(/^the addon gets .+ wrong$/);
        expect(implementation()).toBe(portable);
      },
    );
  });
}

if ('absent' in found) unavailable('native cryptography', found.absent);
else withAddon(found);

describe('without the addon', () => {
  it('runs in TypeScript and says why', () => {
    const file = join(folder, 'absent.node');
    expect(selfTestCrypto(file)).toEqual({
      ok: true,
      name: 'TypeScript',
      reason: `no addon for ${process.platform}-${process.arch}`,
    });
  });

  it('runs in TypeScript where the addon is for another program', () => {
    const file = join(folder, 'broken.node');
    writeFileSync(file, 'not a library');
    const report = selfTestCrypto(file);
    expect(report).toMatchObject({ ok: true, name: 'TypeScript' });
    expect(report.reason).toMatch(/^the addon does not load: /);
  });

  it('runs in TypeScript if the environment says so', () => {
    vi.stubEnv('GATEHOUSE_NATIVE', '0');
    expect(selfTestCrypto()).toEqual({
      ok: true,
      name: 'TypeScript',
      reason: 'GATEHOUSE_NATIVE is 0',
    });
  });

  it('refuses rows that are not there', () => {
    const table = new KeyTable([expand(portable, new Uint8Array(16))]);
    const candidates = [{ row: 1, fullFCnt: 0, split: false }];
    expect(() => portable.searchMics(table, candidates, 0, new Uint8Array(20))).toThrow(RangeError);
  });
});
