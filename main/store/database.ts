import { copyFileSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { newerFile, storageFailure } from './errors.ts';

export interface OpenDatabaseOptions {
  readonly path: string;
  /** What survives a power cut: FULL every commit, NORMAL all but the last ones, OFF for tests. */
  readonly synchronous: 'FULL' | 'NORMAL' | 'OFF';
  /** One SQL script per layout version, the first for an empty file. */
  readonly migrations: readonly string[];
  /** Whether the file is copied before its layout changes. */
  readonly copyBeforeMigration: boolean;
  /** Functions of one text that migrations call, by name. */
  readonly functions?: Readonly<Record<string, (text: string) => string>>;
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs: number;
  /** Pages of the log after which the writer itself brings them into the file; 0 leaves that to the store worker. */
  readonly checkpointPages: number;
  /** No other connection may open the file: reading and writing take no locks. */
  readonly exclusive: boolean;
}

/** Brings a database to the newest layout, one transaction per step. */
export function migrate(
  db: Database,
  { path, migrations, copyBeforeMigration }: OpenDatabaseOptions,
): void {
  const found = Number(db.pragma('user_version', { simple: true }));
  const known = migrations.length;
  if (found > known) throw newerFile({ file: path, found, known });
  if (found === known) return;
  if (found > 0 && copyBeforeMigration) {
    db.pragma('wal_checkpoint(TRUNCATE)');
    const copy = `${path}.v${found}.bak`;
    if (!existsSync(copy)) copyFileSync(path, copy);
  }
  for (let version = found; version < known; version += 1) {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(migrations[version] ?? '');
      db.pragma(`user_version = ${version + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Opens a database in WAL mode and brings it to the newest layout. */
export function openDatabase(options: OpenDatabaseOptions): Database {
  let db: Database | undefined;
  try {
    db = new Database(options.path, { timeout: options.busyTimeoutMs });
    // Before the first access, so that the index of the log needs no shared memory either.
    if (options.exclusive) db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${options.synchronous}`);
    db.pragma(`wal_autocheckpoint = ${options.checkpointPages}`);
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -16000');
    // Each unit is a savepoint, and what it may have to undo went to a temporary file as soon as it exceeded 64 KiB.
    db.pragma('temp_store = MEMORY');
    for (const [name, run] of Object.entries(options.functions ?? {})) {
      db.function(name, { deterministic: true }, run);
    }
    migrate(db, options);
    return db;
  } catch (error) {
    db?.close();
    throw storageFailure(error, options.path) ?? error;
  }
}
