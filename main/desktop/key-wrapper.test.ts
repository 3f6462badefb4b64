import { describe, expect, it } from 'vitest';
import { createKeychainWrapper } from './key-wrapper.ts';
import { SafeStorageDouble } from './testing/electron-double.ts';

describe('the keychain wrapper', () => {
  it('gives back every byte it wrapped', async () => {
    const wrapper = await createKeychainWrapper(new SafeStorageDouble(), 'darwin');
    const key = Uint8Array.from({ length: 256 }, (_, index) => index);
    const wrapped = await wrapper?.wrap(key);
    expect(wrapped).not.toEqual(key);
    expect(await wrapper?.unwrap(wrapped ?? new Uint8Array())).toEqual(key);
    expect(wrapper?.kind).toBe('keychain');
  });

  it.each([
    ['linux', 'basic_text', 'basic_text'],
    ['linux', 'unknown', 'basic_text'],
    ['linux', 'gnome_libsecret', 'keychain'],
    ['linux', 'kwallet6', 'keychain'],
    ['win32', 'basic_text', 'keychain'],
  ] as const)('on %s with %s is %s', async (platform, backend, kind) => {
    const storage = new SafeStorageDouble();
    storage.backend = backend;
    expect((await createKeychainWrapper(storage, platform))?.kind).toBe(kind);
  });

  it('is absent where there is no keychain', async () => {
    const storage = new SafeStorageDouble();
    storage.available = false;
    expect(await createKeychainWrapper(storage, 'linux')).toBeUndefined();
  });
});
