import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
  scryptSync,
} from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';

/** Ways the data key can be protected, from the strongest to none. */
export type KeyWrapperKind = 'keychain' | 'passphrase' | 'key_file' | 'basic_text';

/** Protects the data key. Every wrapper of a workspace protects the same key. `unwrap` throws when it does not fit. */
export interface KeyWrapper {
  readonly kind: KeyWrapperKind;
  wrap(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  unwrap(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals bytes with AES-256-GCM: nonce, tag, ciphertext. `context` must be the same when opening. */
export function seal(key: KeyObject, bytes: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  const body = cipher.update(bytes);
  cipher.final();
  return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), body]));
}

/** Opens what {@link seal} made; throws when key, context or bytes do not fit. */
export function unseal(key: KeyObject, sealed: Uint8Array, context: string): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const body = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
  decipher.final();
  return new Uint8Array(body);
}

/** Name of the key file in a data folder. */
export const KEY_FILE_NAME = 'data.key';

/** A random key in a file that only its owner may read. The file is made when a key is first wrapped. */
export function keyFileWrapper(path: string): KeyWrapper {
  const read = (): KeyObject => createSecretKey(readFileSync(path));
  const readOrCreate = (): KeyObject => {
    try {
      writeFileSync(path, randomBytes(32), { mode: 0o600, flag: 'wx' });
      chmodSync(path, 0o600);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    return read();
  };
  return {
    kind: 'key_file',
    wrap: (bytes) => seal(readOrCreate(), bytes, 'data_key'),
    unwrap: (bytes) => unseal(read(), bytes, 'data_key'),
  };
}

const SALT_BYTES = 16;

/** A key derived from a passphrase with scrypt (N = 2^15, r = 8, p = 1). */
export function passphraseWrapper(passphrase: string): KeyWrapper {
  const derive = (salt: Uint8Array): KeyObject =>
    createSecretKey(
      scryptSync(passphrase.normalize('NFKC'), salt, 32, {
        N: 32_768,
        r: 8,
        p: 1,
        maxmem: 2 ** 26,
      }),
    );
  return {
    kind: 'passphrase',
    wrap(bytes) {
      const salt = randomBytes(SALT_BYTES);
      return new Uint8Array(Buffer.concat([salt, seal(derive(salt), bytes, 'data_key')]));
    },
    unwrap: (bytes) =>
      unseal(derive(bytes.subarray(0, SALT_BYTES)), bytes.subarray(SALT_BYTES), 'data_key'),
  };
}
