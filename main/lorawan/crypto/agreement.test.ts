/** The addon, its portable C and the TypeScript give the same for whatever bytes come, well-formed or not. */
import { describe, expect, it } from 'vitest';
import { unavailable } from '../../../test/support/unavailable.ts';
import { INPUTS, numbers } from '../testing/random-inputs.ts';
import { type AesKey, emptyKey } from './aes.ts';
import type { CryptoImplementation } from './implementation.ts';
import { KeyTable } from './key-table.ts';
import { loadAddon } from './load-addon.ts';
import { nativeImplementation } from './native.ts';
import { portable } from './portable.ts';
import { UPLINK, UPLINK_RESULT, UPLINK_WORDS } from './uplink-batch.ts';

const found = loadAddon();
if ('absent' in found) unavailable('agreement of native cryptography', found.absent);
const natives = 'absent' in found ? [] : [found, found.portable].map(nativeImplementation);

const MANY_MS = 20_000 + INPUTS / 20;
const MIC_BYTES = 4;
const LONGEST = 64;
const BATCH = 500;

type Next = () => number;

function bytesFrom(next: Next, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => next() >>> 24);
}

function keyFrom(next: Next): AesKey {
  const raw = bytesFrom(next, 16);
  const key = emptyKey(raw);
  portable.fillKey(key, raw);
  return key;
}

/** A random frame; one in two is made a data uplink with the right MIC, one in eight of them is damaged again. */
function frameFrom(next: Next, key: AesKey, fullFCnt: number): Uint8Array {
  const frame = bytesFrom(next, next() % (LONGEST + 1));
  const end = frame.length - MIC_BYTES;
  if (next() % 2 === 0 || end < 8) return frame;
  frame[0] = next() % 2 === 0 ? 0x40 : 0x80;
  const word = portable.micWord(key, 0, 0, fullFCnt, frame, end);
  new DataView(frame.buffer).setInt32(end, word, true);
  if (next() % 8 === 0) frame[next() % frame.length] = next() >>> 24;
  return frame;
}

interface Batch {
  readonly keys: KeyTable;
  readonly frames: Uint8Array;
  readonly table: Uint32Array;
}

function batchFrom(next: Next): Batch {
  const keys = Array.from({ length: 4 }, () => keyFrom(next));
  const table = new Uint32Array(BATCH * UPLINK_WORDS);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (let row = 0; row < BATCH; row += 1) {
    const network = next() % keys.length;
    const fullFCnt = next();
    const frame = frameFrom(next, keys[network] as AesKey, fullFCnt);
    table.set([network, next() % keys.length, fullFCnt, offset, frame.length], row * UPLINK_WORDS);
    parts.push(frame);
    offset += frame.length;
  }
  return { keys: new KeyTable(keys), frames: new Uint8Array(Buffer.concat(parts)), table };
}

function openedBy(used: CryptoImplementation, { keys, frames, table }: Batch, room: number) {
  const results = { table: table.slice(), payloads: new Uint8Array(room) };
  const opened = used.openUplinks({ keys, frames, ...results }, BATCH);
  return { opened, ...results };
}

const same = (left: ArrayBufferView, right: ArrayBufferView): boolean =>
  Buffer.from(left.buffer, left.byteOffset, left.byteLength).equals(
    Buffer.from(right.buffer, right.byteOffset, right.byteLength),
  );

describe.each(natives)('$name', (native) => {
  it('opens random frames as TypeScript does', { timeout: MANY_MS }, () => {
    const next = numbers(0x2f6e2b1);
    const ports = new Set<number>();
    let different = 0;
    for (let done = 0; done < INPUTS / 8; done += BATCH) {
      const batch = batchFrom(next);
      // Now and then there is too little room for all payloads.
      const room = next() % 8 === 0 ? next() % 2_000 : BATCH * LONGEST;
      const ours = openedBy(portable, batch, room);
      const theirs = openedBy(native, batch, room);
      if (ours.opened !== theirs.opened) different += 1;
      if (!same(ours.table, theirs.table) || !same(ours.payloads, theirs.payloads)) different += 1;
      for (let at = UPLINK.port; at < ours.table.length; at += UPLINK_WORDS)
        ports.add((ours.table[at] ?? 0) | 0);
    }
    expect(different).toBe(0);
    // Every FPort, and every way to have none.
    expect(ports.size).toBe(256 + Object.keys(UPLINK_RESULT).length);
  });

  it('gives the CMAC, MIC and keystream of TypeScript for random bytes', {
    timeout: MANY_MS,
  }, () => {
    const next = numbers(0x1c80317f);
    let key = keyFrom(next);
    let different = 0;
    for (let done = 0; done < INPUTS / 8; done += 1) {
      if (done % 16 === 0) key = keyFrom(next);
      const input = bytesFrom(next, next() % (LONGEST + 1));
      const side = (next() & 1) as 0 | 1;
      const [lead, fCnt, address, constant] = [next(), next(), next(), next() >>> 24];
      const args = [key, constant, side, address, fCnt, input] as const;
      if (!same(native.crypt(...args), portable.crypt(...args))) different += 1;
      if (!same(native.cmac(key, input), portable.cmac(key, input))) different += 1;
      if (input.length < 5) continue;
      const message = [key, side, lead, fCnt, input, input.length] as const;
      if (native.micWord(...message) !== portable.micWord(...message)) different += 1;
    }
    expect(different).toBe(0);
  });

  it('finds the session of TypeScript for random frames', { timeout: MANY_MS }, () => {
    const next = numbers(0x5851f42d);
    const found = new Set<boolean>();
    let different = 0;
    for (let done = 0; done < INPUTS / 80; done += 1) {
      const keys = Array.from({ length: 3 }, () => keyFrom(next));
      const fullFCnt = next();
      const frame = frameFrom(next, keys[next() % keys.length] as AesKey, fullFCnt);
      if (frame.length < 9) continue;
      const candidates = Array.from({ length: next() % 12 }, () => ({
        row: next() % keys.length,
        fullFCnt: next() % 2 === 0 ? fullFCnt : next(),
        split: next() % 4 === 0,
      }));
      const from = next() % 13;
      const table = new KeyTable(keys);
      const ours = portable.searchMics(table, candidates, from, frame);
      if (native.searchMics(table, candidates, from, frame) !== ours) different += 1;
      found.add(ours >= 0);
    }
    expect(different).toBe(0);
    expect(found.size).toBe(2);
  });
});
