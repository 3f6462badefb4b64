import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import { openDatabase } from './database.ts';
import { foldText } from './device-texts.ts';
import { FRAMES_MIGRATIONS } from './frames-schema.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';

/** The databases of a data folder, and what guards it against a second program. */
export interface OpenFiles {
  readonly directory: string;
  readonly isTemporary: boolean;
  readonly isNew: boolean;
  readonly lock: DirectoryLock;
  readonly registry: Database;
  readonly framesDb: Database;
  readonly registryPath: string;
  readonly framesPath: string;
}

/**
 * Nothing of a temporary folder is synchronized or survives, so its writer never waits for the disk, and rows of frames may
 * wait for each other. With no second thread at work, what runs over it in virtual time does not depend on how busy the
 * computer is.
 */
export const TEMPORARY = { checkpointPages: 1_000, frameRowsPerCommit: 200 } as const;

/** @param wanted the data folder, created if missing; `:memory:` for a temporary one */
export function openFiles(wanted: string, clock: Clock): OpenFiles {
  const isTemporary = wanted === ':memory:';
  const directory = isTemporary ? mkdtempSync(join(tmpdir(), 'gatehouse-')) : wanted;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const registryPath = join(directory, 'gatehouse.db');
  const framesPath = join(directory, 'frames.db');
  const lock = lockDirectory(directory, clock.now());
  const isNew = !existsSync(registryPath);
  const checkpointPages = isTemporary ? TEMPORARY.checkpointPages : 0;
  let registry: Database | undefined;
  try {
    registry = openDatabase({
      path: registryPath,
      synchronous: isTemporary ? 'OFF' : 'FULL',
      migrations: REGISTRY_MIGRATIONS,
      copyBeforeMigration: true,
      functions: { fold_text: foldText },
      busyTimeoutMs: 5_000,
      checkpointPages,
      exclusive: isTemporary,
    });
    const framesDb = openDatabase({
      path: framesPath,
      synchronous: isTemporary ? 'OFF' : 'NORMAL',
      migrations: FRAMES_MIGRATIONS,
      copyBeforeMigration: false,
      busyTimeoutMs: 0,
      checkpointPages,
      exclusive: false,
    });
    return {
      directory,
      isTemporary,
      isNew,
      lock,
      registry,
      framesDb,
      registryPath,
      framesPath,
    };
  } catch (error) {
    registry?.close();
    lock.release();
    throw error;
  }
}

export function closeFiles({ registry, framesDb, lock, isTemporary, directory }: OpenFiles): void {
  framesDb.close();
  registry.close();
  lock.release();
  if (isTemporary) rmSync(directory, { recursive: true, force: true });
}

/** Size of a database with its log. */
export function fileBytes(path: string): number {
  return ['', '-wal'].reduce(
    (sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
