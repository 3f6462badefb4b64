import { amount } from '../../base/testing/amount.ts';

/** Random inputs of each decoder. */
export const INPUTS = amount('GATEHOUSE_RANDOM_INPUTS', 1_000_000);
const LONGEST = 64;

/** Numbers that are the same in every run (xorshift32), so that a failure can be repeated. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Calls back with random bytes, {@link INPUTS} times; the buffer is used again. Lengths are 0 to 64 unless chosen. */
export function eachInput(
  seed: number,
  use: (bytes: Uint8Array, index: number) => void,
  lengths?: readonly number[],
): void {
  const next = numbers(seed);
  const buffer = new Uint8Array(LONGEST + 3);
  const words = new DataView(buffer.buffer);
  for (let index = 0; index < INPUTS; index += 1) {
    const length = lengths?.[next() % lengths.length] ?? next() % (LONGEST + 1);
    for (let at = 0; at < length; at += 4) words.setUint32(at, next());
    use(buffer.subarray(0, length), index);
  }
}
