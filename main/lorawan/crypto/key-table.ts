import { type AesKey, KEY_WORDS } from './aes.ts';

/** Keys by row, for calls that look at many of them. Holds key material; never log it. */
export class KeyTable {
  readonly #keys: readonly AesKey[];
  #words: Uint32Array | undefined;

  constructor(keys: readonly AesKey[]) {
    this.#keys = keys;
  }

  /** @throws RangeError if there is no such row */
  keyAt(row: number): AesKey {
    const key = this.#keys[row];
    if (!key) throw new RangeError(`the table of keys has no row ${row}`);
    return key;
  }

  /** All rows, one behind the other; packed once, when first asked for. */
  get words(): Uint32Array {
    this.#words ??= this.#packed();
    return this.#words;
  }

  #packed(): Uint32Array {
    const [first] = this.#keys;
    if (first && this.#keys.length === 1) return first.words;
    const words = new Uint32Array(this.#keys.length * KEY_WORDS);
    this.#keys.forEach((key, row) => {
      words.set(key.words, row * KEY_WORDS);
    });
    return words;
  }
}
