import type { SafeStorage } from 'electron';
import type { KeyWrapper } from '../store/key-wrapper.ts';

/**
 * Protects the data key with the user's keychain (macOS Keychain, Windows DPAPI, libsecret or KWallet). Undefined where
 * there is none. On a Linux desktop without a password store the key is only obscured, and the kind says so.
 * Call it once the app is ready: before that the backend is not known.
 */
export async function createKeychainWrapper(
  storage: Pick<
    SafeStorage,
    | 'isAsyncEncryptionAvailable'
    | 'encryptStringAsync'
    | 'decryptStringAsync'
    | 'getSelectedStorageBackend'
  >,
  platform: NodeJS.Platform,
): Promise<KeyWrapper | undefined> {
  if (!(await storage.isAsyncEncryptionAvailable())) return undefined;
  const obscuredOnly =
    platform === 'linux' && ['basic_text', 'unknown'].includes(storage.getSelectedStorageBackend());
  return {
    kind: obscuredOnly ? 'basic_text' : 'keychain',
    wrap: async (bytes) =>
      new Uint8Array(await storage.encryptStringAsync(Buffer.from(bytes).toString('base64'))),
    unwrap: async (bytes) => {
      const { result } = await storage.decryptStringAsync(Buffer.from(bytes));
      return new Uint8Array(Buffer.from(result, 'base64'));
    },
  };
}
