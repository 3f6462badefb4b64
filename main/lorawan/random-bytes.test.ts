import { expect, test } from 'vitest';
import { decodeFrame } from './frames/index.ts';
import { decodeMacCommands, encodeMacCommand, MAC_COMMAND_ROWS } from './mac-commands/index.ts';

const INPUTS = 1_000_000;
const LONGEST = 64;

/** Numbers that are the same in every run (xorshift32), so that a failure can be repeated. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Calls back with random bytes; the buffer is used again. */
function eachInput(seed: number, use: (bytes: Uint8Array, index: number) => void): void {
  const next = numbers(seed);
  const buffer = new Uint8Array(LONGEST + 3);
  const words = new DataView(buffer.buffer);
  for (let index = 0; index < INPUTS; index += 1) {
    const length = next() % (LONGEST + 1);
    for (let at = 0; at < length; at += 4) words.setUint32(at, next());
    use(buffer.subarray(0, length), index);
  }
}

test('a million random inputs are read as frames: each has a type, and what is wrong has a place', () => {
  const types = new Set<string>();
  let misplaced = 0;
  eachInput(0x12345678, (bytes) => {
    const { fType, issues } = decodeFrame(bytes);
    types.add(fType);
    for (const { offset, length } of issues)
      if (offset < 0 || length < 0 || offset + length > bytes.length) misplaced += 1;
  });
  expect(misplaced).toBe(0);
  // All that a random MHDR can name, and what is none of them.
  expect([...types].sort()).toEqual([
    'CONFIRMED_DOWN',
    'CONFIRMED_UP',
    'INVALID',
    'JOIN_ACCEPT',
    'JOIN_REQUEST',
    'PROPRIETARY',
    'REJOIN_REQUEST',
    'UNCONFIRMED_DOWN',
    'UNCONFIRMED_UP',
  ]);
});

test('a million random inputs are read as MAC commands: every byte is a command or an issue', () => {
  const cids = MAC_COMMAND_ROWS.map(({ cid }) => cid);
  const names = new Set<string>();
  let lost = 0;
  eachInput(0x9e3779b9, (bytes, index) => {
    // Half of the inputs begin with a CID that exists, so that more is read than the first byte.
    if (bytes.length > 0 && index % 2 === 0) bytes[0] = cids[index % cids.length] ?? 0;
    const { commands, issues } = decodeMacCommands(bytes, index % 4 < 2 ? 'up' : 'down');
    let read = 0;
    for (const { name, length } of commands) {
      names.add(name);
      read += length;
    }
    for (const { length } of issues) read += length;
    if (read !== bytes.length) lost += 1;
  });
  expect(lost).toBe(0);
  expect(names.size).toBe(MAC_COMMAND_ROWS.length);
});

test('what was read of random bytes is written as it was, but for reserved bits', () => {
  let changed = 0;
  let read = 0;
  eachInput(0x51ed270b, (bytes, index) => {
    if (index % 20 !== 0) return;
    const direction = index % 40 === 0 ? 'up' : 'down';
    for (const command of decodeMacCommands(bytes, direction).commands) {
      read += 1;
      const written = encodeMacCommand(command);
      const again = decodeMacCommands(written, direction).commands[0];
      if (JSON.stringify(again?.fields) !== JSON.stringify(command.fields)) changed += 1;
    }
  });
  expect(changed).toBe(0);
  expect(read).toBeGreaterThan(1_000);
});
