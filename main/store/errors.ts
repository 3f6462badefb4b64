import { defineError, type GatehouseError } from '../base/errors.ts';

/** The file was written by a newer program. */
export const newerFile = defineError(
  'gatehouse/store:newer_file',
  'FAILED_PRECONDITION',
  'The file {file} was written by a newer version of Gatehouse (its layout is {found}, this version knows {known}). Update Gatehouse, or use another data folder.',
);

/** Another process holds the data folder. Attributes `pid` and `url` are empty or 0 when it did not say. */
export const locked = defineError(
  'gatehouse/store:locked',
  'FAILED_PRECONDITION',
  'The data folder {directory} is in use by another Gatehouse (process {pid}, {url}). Use that one, close it first, or choose another data folder.',
);

/** No room for what was to be stored. */
export const full = defineError(
  'gatehouse/store:full',
  'RESOURCE_EXHAUSTED',
  'The disk is full: {file} cannot grow, so nothing more is stored. Free some space on the disk; storing goes on by itself.',
);

/** The file cannot be written or read. */
export const ioFailed = defineError(
  'gatehouse/store:io',
  'UNAVAILABLE',
  'The file {file} cannot be written or read ({code}). Check the disk and the permissions of the data folder.',
);

/** The file is not a database, or is damaged. */
export const damaged = defineError(
  'gatehouse/store:damaged',
  'DATA_LOSS',
  'The file {file} is damaged or no Gatehouse database ({code}). Restore it from a backup, or move it away to start anew.',
);

/** Stored keys cannot be opened with the protection at hand. */
export const keysLocked = defineError(
  'gatehouse/store:keys_locked',
  'FAILED_PRECONDITION',
  'The device keys in {directory} are protected by {protection}, which is not available or does not fit ({offered} was tried). Start with that protection and add another one under Settings, Security; or restore the missing key file or passphrase.',
);

/** A unit of work was asked for after the store was closed. */
export const closed = defineError(
  'gatehouse/store:closed',
  'UNAVAILABLE',
  'The store is closed. Start Gatehouse again.',
);

const STORAGE_CODE = /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOMEM|PERM|AUTH)/;

/** Code of an error that came from SQLite, e.g. `SQLITE_FULL`. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_')
    ? error.code
    : undefined;
}

/** The error to show if `error` says that the medium failed (full, unwritable, damaged); else undefined. */
export function storageFailure(error: unknown, file: string): GatehouseError | undefined {
  const code = sqliteCode(error);
  if (!code || !STORAGE_CODE.test(code)) return undefined;
  if (code.startsWith('SQLITE_FULL')) return full({ file }, { cause: error });
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return damaged({ file, code }, { cause: error });
  }
  return ioFailed({ file, code }, { cause: error });
}
