import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { defineError, type GatehouseError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import {
  createStore,
  KEY_FILE_NAME,
  type KeyWrapper,
  keyFileWrapper,
  keysLocked,
  type Store,
} from '../store/index.ts';

export const keysInKeychain = defineError(
  'gatehouse/shell:keys_in_keychain',
  'FAILED_PRECONDITION',
  'The device keys in {directory} are protected by the keychain of the user who made them with the desktop program, and nothing else opens them. Start the desktop program with this folder and choose Help, Allow Headless Start, which adds a key file; then start again. Or choose another folder with --data-dir.',
);

/** Ways of the desktop shell that no other shell has. */
const KEYCHAIN_KINDS = ['keychain', 'basic_text'];

function explained(error: unknown, offered: readonly KeyWrapper[]): unknown {
  if (!keysLocked.is(error)) return error;
  const { directory, protection } = (error as GatehouseError).attributes;
  const kinds = Array.isArray(protection) ? protection : [];
  const needsKeychain = kinds.length > 0 && kinds.every((kind) => KEYCHAIN_KINDS.includes(kind));
  const hasKeychain = offered.some(({ kind }) => KEYCHAIN_KINDS.includes(kind));
  if (!needsKeychain || hasKeychain) return error;
  return keysInKeychain({ directory: String(directory) }, { cause: error });
}

/** The key file of a workspace. */
const keyFileOf = (directory: string): KeyWrapper => keyFileWrapper(join(directory, KEY_FILE_NAME));

export interface OpenWorkspaceOptions {
  readonly directory: string;
  /** Tried before the key file; the first protects the keys of a new workspace. */
  readonly keyWrappers?: readonly KeyWrapper[];
  readonly logger: Logger;
  /** Where a package keeps the script of the store's worker. */
  readonly workerUrl?: URL;
}

/** Opens a data folder with whatever of the given ways or its key file protects its keys. */
export async function openWorkspace(options: OpenWorkspaceOptions): Promise<Store> {
  const { directory, logger, workerUrl } = options;
  const wrappers = [...(options.keyWrappers ?? []), keyFileOf(directory)];
  try {
    return await createStore({
      directory,
      dataKeyWrapper: wrappers,
      clock: systemClock(),
      logger: logger.area('store'),
      ...(workerUrl && { workerUrl }),
    });
  } catch (error) {
    throw explained(error, wrappers);
  }
}

/** A key file beside another way to open the keys, so that a start without that way is possible. */
export interface KeyFile {
  readonly isPresent: boolean;
  add(): Promise<void>;
}

export function keyFileIn(store: Pick<Store, 'directory' | 'keyProtection'>): KeyFile {
  const { directory, keyProtection } = store;
  return {
    get isPresent() {
      return keyProtection.kinds().includes('key_file');
    },
    add: () => keyProtection.add(keyFileOf(directory)),
  };
}
