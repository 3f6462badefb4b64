import type { SqlValue } from 'better-sqlite3';
import { type DevEui, eui64FromBytes, eui64ToBytes, type JoinEui } from '../lorawan/index.ts';
import { type DeviceOrder, deviceOrder } from './device-search.ts';
import { createDeviceTexts } from './device-texts.ts';
import { type Page, type PageRequest, plainBytes, type TableContext } from './simple-tables.ts';

/** A device in one registry; the message holds neither keys nor counters. */
export interface DeviceRow {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly joinEui?: JoinEui;
  readonly devEui?: DevEui;
  readonly message: Uint8Array;
  /** Join registry: root keys, in the clear here and sealed at rest. */
  readonly keys?: Uint8Array;
  /** Identity registry: newer than what the message says. */
  readonly lastSeenAtMs?: number;
}

export interface DeviceTable<Record extends object = object> {
  get(row: number): DeviceRow | undefined;
  getByIds(applicationId: string, deviceId: string): DeviceRow | undefined;
  getByEuis(joinEui: JoinEui, devEui: DevEui): DeviceRow | undefined;
  /** Devices with this DevEUI, whatever their JoinEUI, in order of registration. */
  listByDevEui(devEui: DevEui): DeviceRow[];
  /** Creates or replaces the device of these ids. */
  put(device: Omit<DeviceRow, 'row'> & Record): number;
  delete(row: number): void;
  count(applicationId?: string): number;
}

/** Values of an identity device that lists sort and search by. */
export interface IdentityColumns {
  readonly name: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly lastSeenAtMs?: number;
}

export interface IdentityFilter {
  readonly applicationId?: string;
  readonly updatedSinceMs?: number;
}

export interface IdentityDeviceTable extends DeviceTable<IdentityColumns> {
  /** The device was heard; its time only moves forward, and its message stays as it is. */
  seen(applicationId: string, deviceId: string, atMs: number): void;
  /** Whether any device has this DevEUI, with or without a JoinEUI. */
  hasDevEui(devEui: DevEui): boolean;
  /** Devices of an application by their ids, from behind one of them; for reading all in steps while others change. */
  listAfter(applicationId: string, deviceId: string, limit: number): DeviceRow[];
  list(filter: IdentityFilter, page: PageRequest<DeviceOrder>): Page<DeviceRow>;
}

interface StoredDevice {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly joinEui: Uint8Array | null;
  readonly devEui: Uint8Array | null;
  readonly message: Uint8Array;
  readonly keys?: Uint8Array | null;
  readonly lastSeenAtMs?: number | null;
}

/** Enough to explain a join-request; more registrations of one DevEUI say nothing more. */
const MOST_WITH_ONE_DEV_EUI = 10;

type TableName = 'is_devices' | 'js_devices' | 'ns_devices' | 'as_devices';

const IDENTITY_COLUMNS = [
  'name',
  'description',
  'attributes',
  'created_at_ms',
  'updated_at_ms',
  'last_seen_at_ms',
];

function selection(table: TableName): string {
  const keys = table === 'js_devices' ? ', keys' : '';
  const seen = table === 'is_devices' ? ', last_seen_at_ms AS lastSeenAtMs' : '';
  return `id AS row, application_id AS applicationId, device_id AS deviceId, join_eui AS joinEui,
    dev_eui AS devEui, message${keys}${seen} FROM ${table}`;
}

function rowReader(
  { dataKey }: TableContext,
  table: TableName,
): (stored: StoredDevice) => DeviceRow {
  return (stored) => ({
    row: stored.row,
    applicationId: stored.applicationId,
    deviceId: stored.deviceId,
    message: plainBytes(stored.message),
    ...(typeof stored.lastSeenAtMs === 'number' && { lastSeenAtMs: stored.lastSeenAtMs }),
    ...(stored.joinEui && { joinEui: eui64FromBytes(stored.joinEui) as JoinEui }),
    ...(stored.devEui && { devEui: eui64FromBytes(stored.devEui) as DevEui }),
    ...(stored.keys && {
      keys: dataKey.open(stored.keys, `${table}:${stored.applicationId}.${stored.deviceId}`),
    }),
  });
}

function identityValues(device: IdentityColumns): SqlValue[] {
  return [
    device.name,
    device.description,
    JSON.stringify(device.attributes),
    device.createdAtMs,
    device.updatedAtMs,
    device.lastSeenAtMs ?? null,
  ];
}

function createTable<Record extends object>(
  context: TableContext,
  table: TableName,
  extraColumns: readonly string[],
  extraValues: (device: Omit<DeviceRow, 'row'> & Record) => readonly SqlValue[],
): DeviceTable<Record> {
  const { db, commit } = context;
  const columns = [
    'application_id',
    'device_id',
    'join_eui',
    'dev_eui',
    'message',
    ...extraColumns,
  ];
  const select = selection(table);
  const get = db.prepare<StoredDevice>(`SELECT ${select} WHERE id = ?`);
  const getByIds = db.prepare<StoredDevice>(
    `SELECT ${select} WHERE application_id = ? AND device_id = ?`,
  );
  const getByEuis = db.prepare<StoredDevice>(`SELECT ${select} WHERE dev_eui = ? AND join_eui = ?`);
  const listByDevEui = db.prepare<StoredDevice>(
    `SELECT ${select} WHERE dev_eui = ? AND join_eui IS NOT NULL ORDER BY id LIMIT ${MOST_WITH_ONE_DEV_EUI}`,
  );
  const put = db
    .prepare<number>(
      `INSERT INTO ${table}(${columns}) VALUES (${columns.map(() => '?')})
       ON CONFLICT(application_id, device_id) DO UPDATE SET ${columns
         .slice(2)
         .map((column) => `${column} = excluded.${column}`)} RETURNING id`,
    )
    .pluck();
  const remove = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
  const countAll = db.prepare<number>(`SELECT count(*) FROM ${table}`).pluck();
  const countOf = db
    .prepare<number>(`SELECT count(*) FROM ${table} WHERE application_id = ?`)
    .pluck();
  const toRow = rowReader(context, table);
  const optional = (stored: StoredDevice | undefined): DeviceRow | undefined =>
    stored && toRow(stored);
  return {
    get: (row) => optional(get.get(row)),
    getByIds: (applicationId, deviceId) => optional(getByIds.get(applicationId, deviceId)),
    getByEuis: (joinEui, devEui) =>
      optional(getByEuis.get(eui64ToBytes(devEui), eui64ToBytes(joinEui))),
    listByDevEui: (devEui) => listByDevEui.all(eui64ToBytes(devEui)).map(toRow),
    put(device) {
      commit.assertInUnit();
      const row = put.get(
        device.applicationId,
        device.deviceId,
        device.joinEui ? eui64ToBytes(device.joinEui) : null,
        device.devEui ? eui64ToBytes(device.devEui) : null,
        device.message,
        ...extraValues(device),
      );
      if (row === undefined) throw new Error(`No row came back from ${table}.`);
      return row;
    },
    delete(row) {
      commit.assertInUnit();
      remove.run(row);
    },
    count: (applicationId) =>
      (applicationId === undefined ? countAll.get() : countOf.get(applicationId)) ?? 0,
  };
}

/** Devices of the network or application registry. */
export function createDeviceTable(
  context: TableContext,
  table: 'ns_devices' | 'as_devices',
): DeviceTable {
  return createTable(context, table, [], () => []);
}

/** Devices of the join registry, with their root keys. */
export function createJoinDeviceTable(context: TableContext): DeviceTable {
  return createTable(context, 'js_devices', ['keys'], ({ keys, applicationId, deviceId }) => [
    keys ? context.dataKey.seal(keys, `js_devices:${applicationId}.${deviceId}`) : null,
  ]);
}

/** The WHERE clause of a list of identity devices and its parameters. */
function identityWhere({ applicationId, updatedSinceMs }: IdentityFilter): {
  where: string;
  parameters: SqlValue[];
} {
  const conditions = [
    ...(applicationId === undefined ? [] : ['application_id = ?']),
    ...(updatedSinceMs === undefined ? [] : ['updated_at_ms >= ?']),
  ];
  return {
    where: conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '',
    parameters: [applicationId, updatedSinceMs].filter((value) => value !== undefined),
  };
}

/** Devices of the identity registry, with lists; what searches look at is kept in step with them. */
export function createIdentityDeviceTable(context: TableContext): IdentityDeviceTable {
  const { commit, db } = context;
  const table = createTable<IdentityColumns>(
    context,
    'is_devices',
    IDENTITY_COLUMNS,
    identityValues,
  );
  const texts = createDeviceTexts(db);
  const seen = db.prepare(
    `UPDATE is_devices SET last_seen_at_ms = max(coalesce(last_seen_at_ms, 0), ?)
     WHERE application_id = ? AND device_id = ?`,
  );
  const withoutJoinEui = db.prepare(
    'SELECT 1 FROM is_devices WHERE dev_eui = ? AND join_eui IS NULL LIMIT 1',
  );
  const after = db
    .prepare<number>(
      'SELECT id FROM is_devices WHERE application_id = ? AND device_id > ? ORDER BY device_id LIMIT ?',
    )
    .pluck();
  return {
    ...table,
    put(device) {
      const row = table.put(device);
      texts.put(row, device);
      return row;
    },
    delete(row) {
      const device = table.get(row);
      table.delete(row);
      if (device) texts.delete(row, device.applicationId);
    },
    seen(applicationId, deviceId, atMs) {
      commit.assertInUnit();
      seen.run(atMs, applicationId, deviceId);
    },
    hasDevEui: (devEui) =>
      table.listByDevEui(devEui).length > 0 ||
      withoutJoinEui.get(eui64ToBytes(devEui)) !== undefined,
    listAfter: (applicationId, deviceId, limit) =>
      after.all(applicationId, deviceId, limit).flatMap((id) => table.get(id) ?? []),
    list(filter, page) {
      const { where, parameters } = identityWhere(filter);
      const order = `${deviceOrder(page.orderBy, page.descending)}, application_id`;
      // Ids first: skipped devices are then passed over in an index, without reading them.
      const ids = db
        .prepare<number>(`SELECT id FROM is_devices ${where} ORDER BY ${order} LIMIT ? OFFSET ?`)
        .pluck()
        .all(...parameters, page.limit, page.offset);
      const total = db
        .prepare<number>(`SELECT count(*) FROM is_devices ${where}`)
        .pluck()
        .get(...parameters);
      return { rows: ids.flatMap((id) => table.get(id) ?? []), total: total ?? 0 };
    },
  };
}
