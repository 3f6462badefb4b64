import { unsafe } from '@noble/ciphers/aes.js';
import { type AesKey, BLOCK_BYTES, fillKey, readWord, SCHEDULE_WORDS, writeWord } from './aes.ts';
import type { CryptoImplementation, UplinkMicCandidate } from './implementation.ts';
import type { KeyTable } from './key-table.ts';
import { openUplinksWith } from './portable-uplinks.ts';

/**
 * First four bytes of AES-CMAC over a prefix block and `bytes[0…end)`, as a little-endian word. The prefix block is
 * the B0 or B1 of a data frame in four words, so that no frame is copied to be checked.
 */
function cmacWordWithPrefix(
  key: AesKey,
  prefix0: number,
  prefix1: number,
  prefix2: number,
  prefix3: number,
  bytes: Uint8Array,
  end: number,
): number {
  const { encryptionSchedule, words } = key;
  let { s0, s1, s2, s3 } = unsafe.encrypt(encryptionSchedule, prefix0, prefix1, prefix2, prefix3);
  let offset = 0;
  while (end - offset > BLOCK_BYTES) {
    ({ s0, s1, s2, s3 } = unsafe.encrypt(
      encryptionSchedule,
      s0 ^ readWord(bytes, offset),
      s1 ^ readWord(bytes, offset + 4),
      s2 ^ readWord(bytes, offset + 8),
      s3 ^ readWord(bytes, offset + 12),
    ));
    offset += BLOCK_BYTES;
  }
  const complete = end - offset === BLOCK_BYTES;
  const subkey = SCHEDULE_WORDS + (complete ? 0 : 4);
  return unsafe.encrypt(
    encryptionSchedule,
    s0 ^ lastWord(bytes, offset, end) ^ words[subkey]!,
    s1 ^ lastWord(bytes, offset + 4, end) ^ words[subkey + 1]!,
    s2 ^ lastWord(bytes, offset + 8, end) ^ words[subkey + 2]!,
    s3 ^ lastWord(bytes, offset + 12, end) ^ words[subkey + 3]!,
  ).s0;
}

/** A word of the last block, padded with 80 00 00 … behind `end`. */
function lastWord(bytes: Uint8Array, offset: number, end: number): number {
  const left = end - offset;
  if (left >= 4) return readWord(bytes, offset);
  if (left === 3) {
    return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | 0x80000000;
  }
  if (left === 2) return bytes[offset]! | (bytes[offset + 1]! << 8) | 0x800000;
  if (left === 1) return bytes[offset]! | 0x8000;
  return left === 0 ? 0x80 : 0;
}

function cmac({ encryptionSchedule, words }: AesKey, message: Uint8Array): Uint8Array {
  const length = message.length;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const lastBlock = length === 0 ? 0 : Math.floor((length - 1) / BLOCK_BYTES) * BLOCK_BYTES;
  const subkey = SCHEDULE_WORDS + (length > 0 && length % BLOCK_BYTES === 0 ? 0 : 4);
  for (let offset = 0; offset <= lastBlock; offset += BLOCK_BYTES) {
    const last = offset === lastBlock;
    ({ s0, s1, s2, s3 } = unsafe.encrypt(
      encryptionSchedule,
      s0 ^ lastWord(message, offset, length) ^ (last ? words[subkey]! : 0),
      s1 ^ lastWord(message, offset + 4, length) ^ (last ? words[subkey + 1]! : 0),
      s2 ^ lastWord(message, offset + 8, length) ^ (last ? words[subkey + 2]! : 0),
      s3 ^ lastWord(message, offset + 12, length) ^ (last ? words[subkey + 3]! : 0),
    ));
  }
  const result = new Uint8Array(BLOCK_BYTES);
  writeWord(result, 0, s0);
  writeWord(result, 4, s1);
  writeWord(result, 8, s2);
  writeWord(result, 12, s3);
  return result;
}

function micWord(
  key: AesKey,
  direction: 0 | 1,
  lead: number,
  fullFCnt: number,
  bytes: Uint8Array,
  end: number,
): number {
  return cmacWordWithPrefix(
    key,
    0x49 | (lead << 8),
    (lead >>> 24) | (direction << 8) | (bytes[1]! << 16) | (bytes[2]! << 24),
    bytes[3]! | (bytes[4]! << 8) | (fullFCnt << 16),
    (fullFCnt >>> 16) | (end << 24),
    bytes,
    end,
  );
}

/** `01 ‖ constant (4) ‖ Dir ‖ DevAddr ‖ FCnt ‖ 00 ‖ i` (TS001-1.0.4 §4.3.3), i from 1. */
function cryptInto(
  key: AesKey,
  constant3: number,
  direction: 0 | 1,
  address: number,
  fullFCnt: number,
  input: Uint8Array,
  output: Uint8Array,
): void {
  const length = input.length;
  const word1 = constant3 | (direction << 8) | (address << 16);
  const word2 = (address >>> 16) | (fullFCnt << 16);
  const word3 = (fullFCnt >>> 16) & 0xffff;
  for (let offset = 0, block = 1; offset < length; offset += BLOCK_BYTES, block++) {
    const { s0, s1, s2, s3 } = unsafe.encrypt(
      key.encryptionSchedule,
      0x01,
      word1,
      word2,
      word3 | (block << 24),
    );
    const end = Math.min(offset + BLOCK_BYTES, length);
    for (let i = offset; i < end; i++) {
      const at = i - offset;
      const word = at < 8 ? (at < 4 ? s0 : s1) : at < 12 ? s2 : s3;
      output[i] = input[i]! ^ (word >>> (8 * (at & 3)));
    }
  }
}

function searchMics(
  table: KeyTable,
  candidates: readonly UplinkMicCandidate[],
  from: number,
  frame: Uint8Array,
): number {
  const end = frame.length - 4;
  const mic = readWord(frame, end);
  for (let i = from; i < candidates.length; i++) {
    const { row, fullFCnt, split } = candidates[i]!;
    const word = micWord(table.keyAt(row), 0, 0, fullFCnt, frame, end);
    if (split ? (word & 0xffff) === mic >>> 16 : word === mic) return i;
  }
  return -1;
}

/** Everything in TypeScript, over the table-based AES of `@noble/ciphers`. */
export const portable: CryptoImplementation = {
  name: 'TypeScript',
  fillKey,
  cmac,
  micWord,
  crypt(key, constant3, direction, address, fullFCnt, input) {
    const output = new Uint8Array(input.length);
    cryptInto(key, constant3, direction, address, fullFCnt, input, output);
    return output;
  },
  searchMics,
  openUplinks: (batch, count) => openUplinksWith({ micWord, cryptInto }, batch, count),
};
