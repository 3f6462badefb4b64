import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { locked, sqliteCode, storageFailure } from './errors.ts';

/** What the holder of a data folder says about itself. */
export interface LockInfo {
  readonly pid: number;
  /** Where its user interface and API are; empty until they listen. */
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface DirectoryLock {
  /** Tells other processes where this one can be reached. */
  publishUrl(url: string): void;
  release(): void;
}

/** What the current holder wrote, if anything. */
export function readLockInfo(directory: string): LockInfo | undefined {
  try {
    const info: unknown = JSON.parse(readFileSync(join(directory, 'lock.json'), 'utf8'));
    if (typeof info !== 'object' || info === null) return undefined;
    const { pid, url, startedAt } = info as Partial<Record<keyof LockInfo, unknown>>;
    return {
      pid: typeof pid === 'number' ? pid : 0,
      url: typeof url === 'string' ? url : '',
      startedAt: typeof startedAt === 'number' ? startedAt : 0,
    };
  } catch {
    return undefined;
  }
}

/**
 * Takes a data folder for this process. It is held by an exclusive transaction, which the system ends with the process,
 * however it dies; `lock.json` only informs.
 */
export function lockDirectory(directory: string, startedAt: number): DirectoryLock {
  const path = join(directory, 'lock.db');
  const infoPath = join(directory, 'lock.json');
  let db: Database | undefined;
  try {
    db = new Database(path, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY')) {
      const info = readLockInfo(directory);
      throw locked({ directory, pid: info?.pid ?? 0, url: info?.url ?? '' }, { cause: error });
    }
    throw storageFailure(error, path) ?? error;
  }
  const held = db;
  const write = (url: string): void => {
    const temporary = `${infoPath}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify({ pid: process.pid, url, startedAt }), { mode: 0o600 });
    renameSync(temporary, infoPath);
  };
  write('');
  return {
    publishUrl: write,
    release() {
      if (!held.open) return;
      rmSync(infoPath, { force: true });
      held.close();
    },
  };
}
