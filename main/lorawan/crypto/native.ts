import { BLOCK_BYTES } from './aes.ts';
import type { CryptoImplementation, UplinkMicCandidate } from './implementation.ts';

/** The functions of `native/addon.c` over one kind of AES. They throw a RangeError or TypeError for wrong arguments. */
export interface NativeFunctions {
  /** `AES-NI`, `ARMv8 AES` or `portable`. */
  readonly aes: string;
  expandKey(bytes: Uint8Array, words: Uint32Array): void;
  cmac(words: Uint32Array, message: Uint8Array, out: Uint8Array): void;
  micWord(
    words: Uint32Array,
    direction: number,
    lead: number,
    fullFCnt: number,
    bytes: Uint8Array,
    end: number,
  ): number;
  crypt(
    words: Uint32Array,
    constant3: number,
    direction: number,
    address: number,
    fullFCnt: number,
    input: Uint8Array,
    out: Uint8Array,
    outOffset: number,
  ): void;
  searchMics(
    keys: Uint32Array,
    candidates: Uint32Array,
    from: number,
    count: number,
    frame: Uint8Array,
  ): number;
  openUplinks(
    keys: Uint32Array,
    frames: Uint8Array,
    table: Uint32Array,
    count: number,
    payloads: Uint8Array,
  ): number;
}

/** What the addon exports: the best AES of this processor, and the one in plain C for tests and comparison. */
export interface NativeAddon extends NativeFunctions {
  readonly portable: NativeFunctions;
}

/** Bit of a candidate's row: only half of the MIC is of this key. */
const SPLIT_MIC = 0x80000000;
const POOL_BYTES = 8_192;
/** A larger result gets memory of its own. */
const LARGEST_POOLED_BYTES = 512;

/**
 * Hands out pieces of larger arrays. To give a small array of its own to native code costs more than what the code
 * does with it: the engine first has to move it out of its heap.
 */
function createPool(): (bytes: number) => { readonly slab: Uint8Array; readonly offset: number } {
  let slab = new Uint8Array(POOL_BYTES);
  let used = 0;
  return (bytes) => {
    if (bytes > LARGEST_POOLED_BYTES) return { slab: new Uint8Array(bytes), offset: 0 };
    if (used + bytes > POOL_BYTES) {
      slab = new Uint8Array(POOL_BYTES);
      used = 0;
    }
    const offset = used;
    used += bytes;
    return { slab, offset };
  };
}

/** Writes candidates as the addon reads them into an array that is kept for the next search. */
function createPacker(): (candidates: readonly UplinkMicCandidate[], from: number) => Uint32Array {
  let words = new Uint32Array(64);
  return (candidates, from) => {
    const { length } = candidates;
    if (2 * length > words.length) words = new Uint32Array(4 * length);
    for (let i = from; i < length; i++) {
      const { row, fullFCnt, split } = candidates[i]!;
      words[2 * i] = split ? row | SPLIT_MIC : row;
      words[2 * i + 1] = fullFCnt;
    }
    return words;
  };
}

/** The operations by native code, with the signatures and results of those in TypeScript. */
export function nativeImplementation(native: NativeFunctions): CryptoImplementation {
  const room = createPool();
  const pack = createPacker();
  const mac = new Uint8Array(new ArrayBuffer(BLOCK_BYTES));
  return {
    name: `native (${native.aes})`,
    fillKey: ({ words }, keyBytes) => native.expandKey(keyBytes, words),
    cmac({ words }, message) {
      native.cmac(words, message, mac);
      return mac.slice();
    },
    micWord: ({ words }, direction, lead, fullFCnt, bytes, end) =>
      native.micWord(words, direction, lead >>> 0, fullFCnt >>> 0, bytes, end),
    crypt({ words }, constant3, direction, address, fullFCnt, input) {
      const { length } = input;
      const { slab, offset } = room(length);
      native.crypt(words, constant3, direction, address, fullFCnt >>> 0, input, slab, offset);
      return slab.subarray(offset, offset + length);
    },
    searchMics: (table, candidates, from, frame) =>
      from >= candidates.length
        ? -1
        : native.searchMics(table.words, pack(candidates, from), from, candidates.length, frame),
    openUplinks: ({ keys, frames, table, payloads }, count) =>
      native.openUplinks(keys.words, frames, table, count, payloads),
  };
}
