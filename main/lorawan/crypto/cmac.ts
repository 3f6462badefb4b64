import type { AesKey } from './aes.ts';
import { implementation } from './implementation.ts';

/** AES-CMAC (RFC 4493) over the parts one after another: 16 bytes. */
export function cmac(key: AesKey, ...parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first) return implementation().cmac(key, first);
  const message = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    message.set(part, filled);
    filled += part.length;
  }
  return implementation().cmac(key, message);
}
