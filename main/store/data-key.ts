import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type Database from 'better-sqlite3';
import { keysLocked } from './errors.ts';
import { type KeyWrapper, type KeyWrapperKind, seal, unseal } from './key-wrapper.ts';

const WRAPPER_PREFIX = 'data_key.wrapper.';
const CHECK_SETTING = 'data_key.check';
const CHECK_TEXT = Buffer.from('gatehouse data key');

/** Encrypts secrets of rows with the workspace's data key. */
export interface DataKey {
  /** `context` names the row, so that a sealed secret cannot be moved to another. */
  seal(secret: Uint8Array, context: string): Uint8Array;
  open(sealed: Uint8Array, context: string): Uint8Array;
}

export interface DataKeyProtection {
  readonly dataKey: DataKey;
  /** The wrapper the key was opened with. */
  readonly openedWith: KeyWrapperKind;
  kinds(): readonly KeyWrapperKind[];
  /** Protects the same key in one more way, replacing one of the same kind. */
  add(wrapper: KeyWrapper): Promise<void>;
  /** Removes a way; the last one stays. */
  remove(kind: KeyWrapperKind): boolean;
}

interface Wrapped {
  readonly kind: KeyWrapperKind;
  readonly bytes: Uint8Array;
}

function storedWrappers(db: Database): Wrapped[] {
  return db
    .prepare<{ key: string; value: Uint8Array }>(
      `SELECT key, value FROM settings WHERE key LIKE '${WRAPPER_PREFIX}%' ORDER BY key`,
    )
    .all()
    .map(({ key, value }) => ({
      kind: key.slice(WRAPPER_PREFIX.length) as KeyWrapperKind,
      bytes: value,
    }));
}

function putSetting(db: Database, key: string, value: Uint8Array): void {
  db.prepare(
    'INSERT INTO settings(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value',
  ).run(key, value);
}

async function unwrapStored(
  db: Database,
  stored: readonly Wrapped[],
  wrappers: readonly KeyWrapper[],
  directory: string,
): Promise<{ bytes: Uint8Array; kind: KeyWrapperKind }> {
  const check = db
    .prepare<Uint8Array>('SELECT value FROM settings WHERE key = ?')
    .pluck()
    .get(CHECK_SETTING);
  let cause: unknown;
  for (const wrapper of wrappers) {
    const wrapped = stored.find(({ kind }) => kind === wrapper.kind);
    if (!wrapped || !check) continue;
    try {
      const bytes = await wrapper.unwrap(wrapped.bytes);
      unseal(createSecretKey(bytes), check, CHECK_SETTING);
      return { bytes, kind: wrapper.kind };
    } catch (error) {
      cause = error;
    }
  }
  throw keysLocked(
    {
      directory,
      protection: stored.map(({ kind }) => kind),
      offered: wrappers.map(({ kind }) => kind),
    },
    { cause },
  );
}

/** A database is new until its data key is stored, which is the first thing stored in it. */
function isEmpty(db: Database): boolean {
  return db.prepare<number>('SELECT count(*) FROM settings').pluck().get() === 0;
}

async function createKey(
  db: Database,
  wrapper: KeyWrapper,
): Promise<{ bytes: Uint8Array; kind: KeyWrapperKind }> {
  const bytes = new Uint8Array(randomBytes(32));
  const wrapped = await wrapper.wrap(bytes);
  db.exec('BEGIN IMMEDIATE');
  putSetting(db, WRAPPER_PREFIX + wrapper.kind, wrapped);
  putSetting(db, CHECK_SETTING, seal(createSecretKey(bytes), CHECK_TEXT, CHECK_SETTING));
  db.exec('COMMIT');
  return { bytes, kind: wrapper.kind };
}

/**
 * Opens the data key of a workspace, or creates it when the database is new. An existing database is never given
 * another key: without a wrapper that fits it stays closed.
 */
export async function openDataKey(options: {
  readonly db: Database;
  readonly wrappers: readonly KeyWrapper[];
  readonly directory: string;
}): Promise<DataKeyProtection> {
  const { db, wrappers, directory } = options;
  const stored = storedWrappers(db);
  const first = wrappers[0];
  const opened =
    isEmpty(db) && first
      ? await createKey(db, first)
      : await unwrapStored(db, stored, wrappers, directory);
  const key: KeyObject = createSecretKey(opened.bytes);
  return {
    dataKey: {
      seal: (secret, context) => seal(key, secret, context),
      open: (sealed, context) => unseal(key, sealed, context),
    },
    openedWith: opened.kind,
    kinds: () => storedWrappers(db).map(({ kind }) => kind),
    async add(wrapper) {
      putSetting(db, WRAPPER_PREFIX + wrapper.kind, await wrapper.wrap(opened.bytes));
    },
    remove(kind) {
      if (storedWrappers(db).length < 2) return false;
      return (
        db.prepare('DELETE FROM settings WHERE key = ?').run(WRAPPER_PREFIX + kind).changes > 0
      );
    },
  };
}
