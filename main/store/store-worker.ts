import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { queryCatalogue } from './catalogue-queries.ts';
import { searchDevices } from './device-search.ts';
import { queryFrames } from './frame-queries.ts';
import type {
  DatabaseName,
  FrameQuery,
  WorkerData,
  WorkerMethods,
  WorkerRequest,
  WorkerResponse,
} from './worker-protocol.ts';

/** Longest time a text search takes before it answers with what it has. */
const MAX_SEARCH_MS = 2_000;
/** Rows deleted per transaction, so that the writer never waits long. */
const DELETED_PER_STEP = 500;

type OpenedName = DatabaseName | 'catalogue';

const { registryPath, framesPath, cataloguePath } = workerData as WorkerData;
const paths: Record<OpenedName, string> = {
  registry: registryPath,
  frames: framesPath,
  catalogue: cataloguePath,
};
const connections: Partial<Record<OpenedName, Database>> = {};

function connection(name: OpenedName): Database {
  let db = connections[name];
  if (!db) {
    db = new Database(paths[name], { timeout: 250, fileMustExist: true });
    db.pragma('synchronous = NORMAL');
    db.pragma('wal_autocheckpoint = 0');
    db.pragma('cache_size = -8000');
    connections[name] = db;
  }
  return db;
}

function logBytes(name: DatabaseName): number {
  return statSync(`${paths[name]}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** Deletes one step of old frames; answers how many went. */
function deleteOldest(db: Database, excess: number): number {
  db.exec('BEGIN IMMEDIATE');
  try {
    const { changes } = db
      .prepare('DELETE FROM frames WHERE id IN (SELECT id FROM frames ORDER BY id LIMIT ?)')
      .run(Math.min(excess, DELETED_PER_STEP));
    db.prepare("UPDATE meta SET value = value - ? WHERE key = 'total'").run(changes);
    db.exec('COMMIT');
    return changes;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

const methods: WorkerMethods = {
  listFrames: (query: FrameQuery) =>
    queryFrames(connection('frames'), query, {
      nowMs: () => performance.now(),
      maxMs: MAX_SEARCH_MS,
    }),
  searchDevices: (search) => searchDevices(connection('registry'), search),
  listCatalogue: (query) => queryCatalogue(connection('catalogue'), query),
  checkpoint({ database, truncate }) {
    const db = connection(database);
    db.pragma('wal_checkpoint(PASSIVE)');
    if (truncate) db.pragma('wal_checkpoint(TRUNCATE)');
    return { logBytes: logBytes(database) };
  },
  retain({ maxFrames }) {
    const db = connection('frames');
    const total = db.prepare<number>("SELECT value FROM meta WHERE key = 'total'").pluck().get();
    const excess = (total ?? 0) - maxFrames;
    return excess > 0 ? deleteOldest(db, excess) : 0;
  },
  async backup({ database, path }) {
    await connection(database).backup(path);
  },
  close() {
    for (const db of Object.values(connections)) db.close();
    parentPort?.close();
  },
};

function failure(id: number, error: unknown): WorkerResponse {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  return {
    id,
    error: error instanceof Error ? error.message : String(error),
    ...(code !== undefined && { code }),
  };
}

async function answer({ id, method, parameter }: WorkerRequest): Promise<WorkerResponse> {
  try {
    const call = methods[method] as (parameter: unknown) => unknown;
    return { id, result: await call(parameter) };
  } catch (error) {
    return failure(id, error);
  }
}

parentPort?.on('message', (request: WorkerRequest) => {
  void answer(request).then((response) => parentPort?.postMessage(response));
});
