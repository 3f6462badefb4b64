import type Database from 'better-sqlite3';
import { eui64FromBytes, eui64ToBytes, type GatewayEui } from '../lorawan/index.ts';
import type { DataKey } from './data-key.ts';
import type { GroupCommit } from './group-commit.ts';

/** What every table needs. */
export interface TableContext {
  readonly db: Database;
  readonly commit: GroupCommit;
  readonly dataKey: DataKey;
}

/** The same bytes as a plain `Uint8Array`; the database hands out `Buffer`s, whose `slice` shares memory. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Named values; texts are UTF-8, everything else bytes. */
export interface SettingsTable {
  get(key: string): Uint8Array | undefined;
  getText(key: string): string | undefined;
  put(key: string, value: Uint8Array | string): void;
  delete(key: string): void;
  /** All names that begin with `prefix`. */
  list(prefix: string): { readonly key: string; readonly value: Uint8Array }[];
}

export function createSettingsTable({ db, commit }: TableContext): SettingsTable {
  const get = db.prepare<Uint8Array>('SELECT value FROM settings WHERE key = ?').pluck();
  const put = db.prepare(
    'INSERT INTO settings(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare('DELETE FROM settings WHERE key = ?');
  const list = db.prepare<{ key: string; value: Uint8Array }>(
    'SELECT key, value FROM settings WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key',
  );
  return {
    get(key) {
      const value = get.get(key);
      return value && plainBytes(value);
    },
    getText(key) {
      const value = get.get(key);
      return value && new TextDecoder().decode(value);
    },
    put(key, value) {
      commit.assertInUnit();
      put.run(key, typeof value === 'string' ? new TextEncoder().encode(value) : value);
    },
    delete(key) {
      commit.assertInUnit();
      remove.run(key);
    },
    list: (prefix) => list.all(prefix).map(({ key, value }) => ({ key, value: plainBytes(value) })),
  };
}

/** A row with a text id and a protobuf message. `secrets` are sealed with the data key. */
export interface MessageRow {
  readonly id: string;
  readonly message: Uint8Array;
  readonly secrets?: Uint8Array;
}

export interface MessageTable {
  get(id: string): MessageRow | undefined;
  list(): MessageRow[];
  put(row: MessageRow): void;
  delete(id: string): boolean;
}

interface StoredMessage {
  readonly id: string;
  readonly message: Uint8Array;
  readonly secrets: Uint8Array | null;
}

/** Tables of messages by id. */
export type MessageTableName =
  | 'links'
  | 'simulated_devices'
  | 'activation_settings'
  | 'claim_authorizations';

/** Table of messages by id. */
export function createMessageTable(
  { db, commit, dataKey }: TableContext,
  table: MessageTableName,
): MessageTable {
  const get = db.prepare<StoredMessage>(`SELECT id, message, secrets FROM ${table} WHERE id = ?`);
  const list = db.prepare<StoredMessage>(`SELECT id, message, secrets FROM ${table} ORDER BY id`);
  const put = db.prepare(
    `INSERT INTO ${table}(id, message, secrets) VALUES (?, ?, ?)
     ON CONFLICT(id) DO UPDATE SET message = excluded.message, secrets = excluded.secrets`,
  );
  const remove = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
  const toRow = ({ id, message, secrets }: StoredMessage): MessageRow => ({
    id,
    message: plainBytes(message),
    ...(secrets && { secrets: dataKey.open(secrets, `${table}:${id}`) }),
  });
  return {
    get(id) {
      const row = get.get(id);
      return row && toRow(row);
    },
    list: () => list.all().map(toRow),
    put({ id, message, secrets }) {
      commit.assertInUnit();
      put.run(id, message, secrets ? dataKey.seal(secrets, `${table}:${id}`) : null);
    },
    delete(id) {
      commit.assertInUnit();
      return remove.run(id).changes > 0;
    },
  };
}

/** How lists of applications and gateways are ordered and cut. */
export interface PageRequest<Order extends string> {
  readonly orderBy: Order;
  readonly descending: boolean;
  readonly limit: number;
  readonly offset: number;
}

export interface Page<Row> {
  readonly rows: Row[];
  readonly total: number;
}

export interface ApplicationRow {
  readonly applicationId: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly message: Uint8Array;
}

export interface ApplicationTable {
  get(applicationId: string): ApplicationRow | undefined;
  list(page?: PageRequest<'application_id' | 'name' | 'created_at'>): Page<ApplicationRow>;
  put(row: ApplicationRow): void;
  delete(applicationId: string): boolean;
}

const NO_PAGE = { orderBy: 'id', descending: false, limit: -1, offset: 0 } as const;

function orderClause(column: string, idColumn: string, descending: boolean): string {
  const direction = descending ? 'DESC' : 'ASC';
  return column === idColumn
    ? `${column} ${direction}`
    : `${column} ${direction}, ${idColumn} ${direction}`;
}

export function createApplicationTable({ db, commit }: TableContext): ApplicationTable {
  const columns =
    'application_id AS applicationId, name, created_at_ms AS createdAtMs, message FROM applications';
  const get = db.prepare<ApplicationRow>(`SELECT ${columns} WHERE application_id = ?`);
  const count = db.prepare<number>('SELECT count(*) FROM applications').pluck();
  const put = db.prepare(
    `INSERT INTO applications(application_id, name, created_at_ms, message) VALUES (?, ?, ?, ?)
     ON CONFLICT(application_id) DO UPDATE SET name = excluded.name, message = excluded.message`,
  );
  const remove = db.prepare('DELETE FROM applications WHERE application_id = ?');
  const orders = { application_id: 'application_id', name: 'name', created_at: 'created_at_ms' };
  const toRow = (row: ApplicationRow): ApplicationRow => ({
    ...row,
    message: plainBytes(row.message),
  });
  return {
    get(applicationId) {
      const row = get.get(applicationId);
      return row && toRow(row);
    },
    list(page = { ...NO_PAGE, orderBy: 'application_id' }) {
      const order = orderClause(orders[page.orderBy], 'application_id', page.descending);
      return {
        rows: db
          .prepare<ApplicationRow>(`SELECT ${columns} ORDER BY ${order} LIMIT ? OFFSET ?`)
          .all(page.limit, page.offset)
          .map(toRow),
        total: count.get() ?? 0,
      };
    },
    put(row) {
      commit.assertInUnit();
      put.run(row.applicationId, row.name, row.createdAtMs, row.message);
    },
    delete(applicationId) {
      commit.assertInUnit();
      return remove.run(applicationId).changes > 0;
    },
  };
}

export interface GatewayRow {
  readonly gatewayId: string;
  readonly eui?: GatewayEui;
  readonly name: string;
  readonly createdAtMs: number;
  /** Made because it was heard, and not looked at yet. */
  readonly isNew: boolean;
  readonly message: Uint8Array;
  readonly secrets?: Uint8Array;
}

export interface GatewayTable {
  get(gatewayId: string): GatewayRow | undefined;
  getByEui(eui: GatewayEui): GatewayRow | undefined;
  list(page?: PageRequest<'gateway_id' | 'gateway_eui' | 'name' | 'created_at'>): Page<GatewayRow>;
  put(row: GatewayRow): void;
  delete(gatewayId: string): boolean;
  count(): number;
  /** Those that were heard and that nobody has looked at. */
  countNew(): number;
}

interface StoredGateway {
  readonly gatewayId: string;
  readonly eui: Uint8Array | null;
  readonly name: string;
  readonly createdAtMs: number;
  readonly isNew: number;
  readonly secrets: Uint8Array | null;
  readonly message: Uint8Array;
}

export function createGatewayTable({ db, commit, dataKey }: TableContext): GatewayTable {
  const columns = `gateway_id AS gatewayId, eui, name, created_at_ms AS createdAtMs, is_new AS isNew, secrets, message
    FROM gateways`;
  const get = db.prepare<StoredGateway>(`SELECT ${columns} WHERE gateway_id = ?`);
  const getByEui = db.prepare<StoredGateway>(`SELECT ${columns} WHERE eui = ?`);
  const count = db.prepare<number>('SELECT count(*) FROM gateways').pluck();
  const countNew = db.prepare<number>('SELECT count(*) FROM gateways WHERE is_new = 1').pluck();
  const put = db.prepare(
    `INSERT INTO gateways(gateway_id, eui, name, created_at_ms, is_new, secrets, message) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT(gateway_id) DO UPDATE SET eui = excluded.eui, name = excluded.name, is_new = excluded.is_new,
       secrets = excluded.secrets, message = excluded.message`,
  );
  const remove = db.prepare('DELETE FROM gateways WHERE gateway_id = ?');
  const orders = {
    gateway_id: 'gateway_id',
    gateway_eui: 'eui',
    name: 'name',
    created_at: 'created_at_ms',
  };
  const toRow = (row: StoredGateway): GatewayRow => ({
    gatewayId: row.gatewayId,
    name: row.name,
    createdAtMs: row.createdAtMs,
    isNew: row.isNew === 1,
    message: plainBytes(row.message),
    ...(row.eui && { eui: eui64FromBytes(row.eui) as GatewayEui }),
    ...(row.secrets && { secrets: dataKey.open(row.secrets, `gateways:${row.gatewayId}`) }),
  });
  const optional = (row: StoredGateway | undefined): GatewayRow | undefined => row && toRow(row);
  return {
    get: (gatewayId) => optional(get.get(gatewayId)),
    getByEui: (eui) => optional(getByEui.get(eui64ToBytes(eui))),
    list(page = { ...NO_PAGE, orderBy: 'gateway_id' }) {
      const order = orderClause(orders[page.orderBy], 'gateway_id', page.descending);
      return {
        rows: db
          .prepare<StoredGateway>(`SELECT ${columns} ORDER BY ${order} LIMIT ? OFFSET ?`)
          .all(page.limit, page.offset)
          .map(toRow),
        total: count.get() ?? 0,
      };
    },
    put(row) {
      commit.assertInUnit();
      const context = `gateways:${row.gatewayId}`;
      put.run(
        row.gatewayId,
        row.eui ? eui64ToBytes(row.eui) : null,
        row.name,
        row.createdAtMs,
        row.isNew ? 1 : 0,
        row.secrets ? dataKey.seal(row.secrets, context) : null,
        row.message,
      );
    },
    delete(gatewayId) {
      commit.assertInUnit();
      return remove.run(gatewayId).changes > 0;
    },
    count: () => count.get() ?? 0,
    countNew: () => countNew.get() ?? 0,
  };
}
