import { type Page, type PageRequest, plainBytes, type TableContext } from './simple-tables.ts';

/** What a key is for. Keys of the administrator have neither id. */
export interface ApiKeyOwner {
  readonly applicationId?: string;
  readonly gatewayId?: string;
}

/** An API key as stored: of its secret only the SHA-256 hash. */
export interface ApiKeyRow extends ApiKeyOwner {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  /** Names of rights, e.g. `RIGHT_APPLICATION_DEVICES_READ`. */
  readonly rights: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly expiresAtMs?: number;
}

export type ApiKeyOrder = 'api_key_id' | 'name' | 'created_at' | 'expires_at';

export interface ApiKeyTable {
  get(id: string): ApiKeyRow | undefined;
  /** Keys of an application or gateway, or those of the administrator when none is named; oldest first by default. */
  list(owner?: ApiKeyOwner, page?: PageRequest<ApiKeyOrder>): Page<ApiKeyRow>;
  put(row: ApiKeyRow): void;
  delete(id: string): boolean;
  /** Deletes the keys of an application or gateway. */
  deleteByOwner(owner: ApiKeyOwner): void;
}

interface StoredApiKey {
  readonly id: string;
  readonly name: string;
  readonly hash: Uint8Array;
  readonly rights: string;
  readonly applicationId: string | null;
  readonly gatewayId: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number | null;
  readonly expiresAtMs: number | null;
}

const ORDERS: Readonly<Record<ApiKeyOrder, string>> = {
  api_key_id: 'id',
  name: 'name',
  created_at: 'created_at_ms',
  expires_at: 'expires_at_ms',
};
const ALL_OLDEST_FIRST = {
  orderBy: 'created_at',
  descending: false,
  limit: -1,
  offset: 0,
} as const;

const COLUMNS = `id, name, hash, rights, application_id AS applicationId, gateway_id AS gatewayId,
  created_at_ms AS createdAtMs, updated_at_ms AS updatedAtMs, expires_at_ms AS expiresAtMs FROM api_keys`;
const OWNED = 'WHERE application_id IS ? AND gateway_id IS ?';

const ownerValues = ({ applicationId, gatewayId }: ApiKeyOwner): (string | null)[] => [
  applicationId ?? null,
  gatewayId ?? null,
];

const toRow = (row: StoredApiKey): ApiKeyRow => ({
  id: row.id,
  name: row.name,
  hash: plainBytes(row.hash),
  rights: JSON.parse(row.rights) as string[],
  createdAtMs: row.createdAtMs,
  updatedAtMs: row.updatedAtMs ?? row.createdAtMs,
  ...(row.applicationId !== null && { applicationId: row.applicationId }),
  ...(row.gatewayId !== null && { gatewayId: row.gatewayId }),
  ...(row.expiresAtMs !== null && { expiresAtMs: row.expiresAtMs }),
});

export function createApiKeyTable({ db, commit }: TableContext): ApiKeyTable {
  const get = db.prepare<StoredApiKey>(`SELECT ${COLUMNS} WHERE id = ?`);
  const count = db.prepare<number>(`SELECT count(*) FROM api_keys ${OWNED}`).pluck();
  const put = db.prepare(
    `INSERT INTO api_keys(id, name, hash, rights, application_id, gateway_id, created_at_ms, updated_at_ms,
       expires_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT(id) DO UPDATE SET name = excluded.name, hash = excluded.hash, rights = excluded.rights,
       application_id = excluded.application_id, gateway_id = excluded.gateway_id,
       updated_at_ms = excluded.updated_at_ms, expires_at_ms = excluded.expires_at_ms`,
  );
  const remove = db.prepare('DELETE FROM api_keys WHERE id = ?');
  const removeByOwner = db.prepare(`DELETE FROM api_keys ${OWNED}`);
  return {
    get(id) {
      const row = get.get(id);
      return row && toRow(row);
    },
    list(owner = {}, page = ALL_OLDEST_FIRST) {
      const direction = page.descending ? 'DESC' : 'ASC';
      const order = `${ORDERS[page.orderBy]} ${direction}, id ${direction}`;
      return {
        rows: db
          .prepare<StoredApiKey>(`SELECT ${COLUMNS} ${OWNED} ORDER BY ${order} LIMIT ? OFFSET ?`)
          .all(...ownerValues(owner), page.limit, page.offset)
          .map(toRow),
        total: count.get(...ownerValues(owner)) ?? 0,
      };
    },
    put(row) {
      commit.assertInUnit();
      put.run(
        row.id,
        row.name,
        row.hash,
        JSON.stringify(row.rights),
        ...ownerValues(row),
        row.createdAtMs,
        row.updatedAtMs,
        row.expiresAtMs ?? null,
      );
    },
    delete(id) {
      commit.assertInUnit();
      return remove.run(id).changes > 0;
    },
    deleteByOwner(owner) {
      commit.assertInUnit();
      if (owner.applicationId === undefined && owner.gatewayId === undefined) return;
      removeByOwner.run(...ownerValues(owner));
    },
  };
}
