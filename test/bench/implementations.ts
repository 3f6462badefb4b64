import {
  type CryptoImplementation,
  setImplementation,
} from '../../main/lorawan/crypto/implementation.ts';
import { loadAddon } from '../../main/lorawan/crypto/load-addon.ts';
import { nativeImplementation } from '../../main/lorawan/crypto/native.ts';
import { portable } from '../../main/lorawan/crypto/portable.ts';

/** Both implementations of the cryptography, to be measured in turns. */
export interface Implementations {
  readonly portable: CryptoImplementation;
  readonly native: CryptoImplementation | { readonly missing: string };
}

export function implementations(): Implementations {
  const addon = loadAddon();
  const native = 'absent' in addon ? { missing: addon.absent } : nativeImplementation(addon);
  return { portable, native };
}

/** Does `run` with an implementation in use. */
export function inTurn<Result>(used: CryptoImplementation, run: () => Result): () => Result {
  return () => {
    setImplementation(used);
    return run();
  };
}
