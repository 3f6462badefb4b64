import { unsafe } from '@noble/ciphers/aes.js';
import { type AesKey, BLOCK_BYTES, readWord } from './aes.ts';

/**
 * First four bytes of AES-CMAC over a prefix block and `bytes[0…end)`, as a little-endian word. The prefix block is
 * the B0 or B1 of a data frame in four words, so that no frame is copied to be checked.
 */
export function cmacWordWithPrefix(
  key: AesKey,
  prefix0: number,
  prefix1: number,
  prefix2: number,
  prefix3: number,
  bytes: Uint8Array,
  end: number,
): number {
  const { encryptionSchedule, cmacSubkeys } = key;
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
  const subkey = complete ? 0 : 4;
  return unsafe.encrypt(
    encryptionSchedule,
    s0 ^ lastWord(bytes, offset, end) ^ cmacSubkeys[subkey]!,
    s1 ^ lastWord(bytes, offset + 4, end) ^ cmacSubkeys[subkey + 1]!,
    s2 ^ lastWord(bytes, offset + 8, end) ^ cmacSubkeys[subkey + 2]!,
    s3 ^ lastWord(bytes, offset + 12, end) ^ cmacSubkeys[subkey + 3]!,
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

/** AES-CMAC (RFC 4493) over the parts one after another: 16 bytes. */
export function cmac(key: AesKey, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const message = new Uint8Array(length);
  let filled = 0;
  for (const part of parts) {
    message.set(part, filled);
    filled += part.length;
  }
  const { encryptionSchedule, cmacSubkeys } = key;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const lastBlock = length === 0 ? 0 : Math.floor((length - 1) / BLOCK_BYTES) * BLOCK_BYTES;
  const subkey = length > 0 && length % BLOCK_BYTES === 0 ? 0 : 4;
  for (let offset = 0; offset <= lastBlock; offset += BLOCK_BYTES) {
    const last = offset === lastBlock;
    ({ s0, s1, s2, s3 } = unsafe.encrypt(
      encryptionSchedule,
      s0 ^ lastWord(message, offset, length) ^ (last ? cmacSubkeys[subkey]! : 0),
      s1 ^ lastWord(message, offset + 4, length) ^ (last ? cmacSubkeys[subkey + 1]! : 0),
      s2 ^ lastWord(message, offset + 8, length) ^ (last ? cmacSubkeys[subkey + 2]! : 0),
      s3 ^ lastWord(message, offset + 12, length) ^ (last ? cmacSubkeys[subkey + 3]! : 0),
    ));
  }
  const result = new Uint8Array(BLOCK_BYTES);
  [s0, s1, s2, s3].forEach((word, index) => {
    for (let i = 0; i < 4; i++) result[4 * index + i] = word >>> (8 * i);
  });
  return result;
}
