import { type AesKey, emptyKey } from './aes.ts';
import { implementation } from './implementation.ts';

/** Expands a key of 16 bytes. */
export function expandKey(keyBytes: Uint8Array): AesKey {
  const key = emptyKey(keyBytes);
  implementation().fillKey(key, keyBytes);
  return key;
}
