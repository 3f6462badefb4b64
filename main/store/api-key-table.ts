import { plainBytes, type TableContext } from './simple-tables.ts';

/** An API key as stored: of its secret only the SHA-256 hash. */
export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  /** Names of rights, e.g. `RIGHT_APPLICATION_DEVICES_READ`. */
  readonly rights: readonly string[];
  /** Absent for a key of the administrator. */
  readonly applicationId?: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
}

export interface ApiKeyTable {
  get(id: string): ApiKeyRow | undefined;
  /** Keys of an application, or those of the administrator when none is named. */
  list(applicationId?: string): ApiKeyRow[];
  put(row: ApiKeyRow): void;
  delete(id: string): boolean;
  deleteByApplication(applicationId: string): void;
}

interface StoredApiKey {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  readonly rights: string;
  readonly applicationId: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
}

export function createApiKeyTable({ db, commit }: TableContext): ApiKeyTable {
  const columns = `id, name, hash, rights, application_id AS applicationId, created_at_ms AS createdAtMs,
    expires_at_ms AS expiresAtMs FROM api_keys`;
  const get = db.prepare<StoredApiKey>(`SELECT ${columns} WHERE id = ?`);
  const list = db.prepare<StoredApiKey>(
    `SELECT ${columns} WHERE application_id IS ? ORDER BY created_at_ms, id`,
  );
  const put = db.prepare(
    `INSERT INTO api_keys(id, name, hash, rights, application_id, created_at_ms, expires_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT(id) DO UPDATE SET name = excluded.name, hash = excluded.hash, rights = excluded.rights,
       application_id = excluded.application_id, expires_at_ms = excluded.expires_at_ms`,
  );
  const remove = db.prepare('DELETE FROM api_keys WHERE id = ?');
  const removeByApplication = db.prepare('DELETE FROM api_keys WHERE application_id = ?');
  const toRow = (row: StoredApiKey): ApiKeyRow => ({
    id: row.id,
    name: row.name,
    hash: plainBytes(row.hash),
    rights: JSON.parse(row.rights) as string[],
    createdAtMs: row.createdAtMs,
    ...(row.applicationId !== null && { applicationId: row.applicationId }),
    ...(row.expiresAtMs !== null && { expiresAtMs: row.expiresAtMs }),
  });
  return {
    get(id) {
      const row = get.get(id);
      return row && toRow(row);
    },
    list: (applicationId) => list.all(applicationId ?? null).map(toRow),
    put(row) {
      commit.assertInUnit();
      put.run(
        row.id,
        row.name,
        row.hash,
        JSON.stringify(row.rights),
        row.applicationId ?? null,
        row.createdAtMs,
        row.expiresAtMs ?? null,
      );
    },
    delete(id) {
      commit.assertInUnit();
      return remove.run(id).changes > 0;
    },
    deleteByApplication(applicationId) {
      commit.assertInUnit();
      removeByApplication.run(applicationId);
    },
  };
}
