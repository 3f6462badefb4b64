import { unsafe } from '@noble/ciphers/aes.js';

/**
 * An AES-128 key prepared for use: expanded once, then kept as long as the session. Holds key material; never log it.
 * Words are little endian: byte i of a block is bits 8·(i mod 4) of word i div 4.
 */
export interface AesKey {
  /** The schedule, then the two subkeys of CMAC (RFC 4493 §2.3): the row that the native addon reads. */
  readonly words: Uint32Array;
  /** The schedule alone, in the same memory. */
  readonly encryptionSchedule: Uint32Array;
}

/** Bytes of an AES block and of a key. */
export const BLOCK_BYTES = 16;
/** Words of the schedule; the first subkey comes behind it, then the second, four words each. */
export const SCHEDULE_WORDS = 44;
/** Words of an expanded key with its CMAC subkeys. */
export const KEY_WORDS = SCHEDULE_WORDS + 8;

/** Big-endian doubling in GF(2^128) of four little-endian words, RFC 4493 §2.3. */
function doubled(words: Uint32Array): Uint32Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  for (let i = 0; i < BLOCK_BYTES; i++) bytes[i] = words[i >> 2]! >>> (8 * (i & 3));
  let carry = 0;
  for (let i = BLOCK_BYTES - 1; i >= 0; i--) {
    const value = (bytes[i]! << 1) | carry;
    carry = value >> 8;
    bytes[i] = value;
  }
  if (carry !== 0) bytes[BLOCK_BYTES - 1]! ^= 0x87;
  const result = new Uint32Array(4);
  for (let i = 0; i < BLOCK_BYTES; i++) result[i >> 2]! |= bytes[i]! << (8 * (i & 3));
  return result;
}

/** A key with room for its words. */
export function emptyKey(keyBytes: Uint8Array): AesKey {
  if (keyBytes.length !== BLOCK_BYTES) {
    throw new RangeError(`an AES-128 key has 16 bytes, not ${keyBytes.length}`);
  }
  const words = new Uint32Array(KEY_WORDS);
  return { words, encryptionSchedule: words.subarray(0, SCHEDULE_WORDS) };
}

/** Fills in the words of an empty key. */
export function fillKey({ words, encryptionSchedule }: AesKey, keyBytes: Uint8Array): void {
  encryptionSchedule.set(unsafe.expandKeyLE(keyBytes));
  const { s0, s1, s2, s3 } = unsafe.encrypt(encryptionSchedule, 0, 0, 0, 0);
  const first = doubled(Uint32Array.of(s0, s1, s2, s3));
  words.set(first, SCHEDULE_WORDS);
  words.set(doubled(first), SCHEDULE_WORDS + 4);
}

/** Little-endian word of the four bytes at `offset`. */
export function readWord(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset]! |
    (bytes[offset + 1]! << 8) |
    (bytes[offset + 2]! << 16) |
    (bytes[offset + 3]! << 24)
  );
}

/** Writes a word as four little-endian bytes. */
export function writeWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word;
  bytes[offset + 1] = word >>> 8;
  bytes[offset + 2] = word >>> 16;
  bytes[offset + 3] = word >>> 24;
}

function transformBlock(
  transform: typeof unsafe.encrypt,
  schedule: Uint32Array,
  block: Uint8Array,
): Uint8Array {
  if (block.length !== BLOCK_BYTES) {
    throw new RangeError(`an AES block has 16 bytes, not ${block.length}`);
  }
  const { s0, s1, s2, s3 } = transform(
    schedule,
    readWord(block, 0),
    readWord(block, 4),
    readWord(block, 8),
    readWord(block, 12),
  );
  const result = new Uint8Array(BLOCK_BYTES);
  writeWord(result, 0, s0);
  writeWord(result, 4, s1);
  writeWord(result, 8, s2);
  writeWord(result, 12, s3);
  return result;
}

/** Encrypts one block of 16 bytes. */
export function aesEncryptBlock(key: AesKey, block: Uint8Array): Uint8Array {
  return transformBlock(unsafe.encrypt, key.encryptionSchedule, block);
}

/** The schedule of decryption. Joins only need it, so it is not kept with the key. */
function decryptionSchedule(key: AesKey): Uint32Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  for (let word = 0; word < 4; word++) writeWord(bytes, 4 * word, key.encryptionSchedule[word]!);
  return unsafe.expandKeyDecLE(bytes);
}

/** Decrypts one block of 16 bytes. */
export function aesDecryptBlock(key: AesKey, block: Uint8Array): Uint8Array {
  return transformBlock(unsafe.decrypt, decryptionSchedule(key), block);
}
