import type { DevAddr } from '../lorawan/index.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { plainBytes, type TableContext } from './simple-tables.ts';

export type SessionKind = 'current' | 'pending';

/** Raw network session keys; in LoRaWAN 1.0.x all three are the NwkSKey. */
export interface NetworkSessionKeys {
  readonly fNwkSIntKey: Uint8Array;
  readonly sNwkSIntKey: Uint8Array;
  readonly nwkSEncKey: Uint8Array;
}

/** A network session of a device; `deviceRow` is its row in the network registry. */
export interface NetworkSession {
  readonly id: number;
  readonly deviceRow: number;
  readonly kind: SessionKind;
  readonly devAddr: DevAddr;
  readonly sessionKeyId: Uint8Array;
  readonly keys: NetworkSessionKeys;
  /** Full counters; absent before the first frame. */
  readonly lastFCntUp?: number;
  readonly lastNFCntDown?: number;
  readonly lastConfFCntDown?: number;
  /** LoRaWAN 1.1: counter of application downlinks. */
  readonly lastAFCntDown?: number;
  /** LoRaWAN 1.1: counter of rejoin-requests of types 0 and 2. */
  readonly lastRjCount0?: number;
  readonly startedAtMs: number;
  /** ttn.lorawan.v3.MACState, with at most the newest uplink's gateways (class C); empty if there is none. */
  readonly macState: Uint8Array;
}

/** Counters to change; those that are absent stay. */
export type SessionCounters = Partial<
  Pick<
    NetworkSession,
    'lastFCntUp' | 'lastNFCntDown' | 'lastConfFCntDown' | 'lastAFCntDown' | 'lastRjCount0'
  >
>;

export interface NetworkSessionTable {
  /** Current and pending sessions of an address. */
  byDevAddr(devAddr: DevAddr): NetworkSession[];
  byDevice(deviceRow: number): { current?: NetworkSession; pending?: NetworkSession };
  /** Replaces the session of the same device and kind, keeping its id. */
  put(session: Omit<NetworkSession, 'id'>): NetworkSession;
  updateCounters(id: number, counters: SessionCounters): void;
  updateMacState(id: number, macState: Uint8Array): void;
  /** The pending session becomes the current one and starts now; the old current session and its queue go. */
  promotePending(deviceRow: number, startedAtMs: number): void;
  delete(id: number): void;
}

interface StoredSession {
  readonly id: number;
  readonly deviceRow: number;
  readonly kind: number;
  readonly devAddr: number;
  readonly sessionKeyId: Uint8Array;
  readonly keys: Uint8Array;
  readonly lastFCntUp: number | null;
  readonly lastNFCntDown: number | null;
  readonly lastConfFCntDown: number | null;
  readonly lastAFCntDown: number | null;
  readonly lastRjCount0: number | null;
  readonly startedAtMs: number;
  readonly macState: Uint8Array | null;
}

const KEY_BYTES = 16;
const CACHED_SESSION_KEYS = 20_000;
const KIND_NUMBER = { current: 0, pending: 1 } as const;
const kindOf = (number: number): SessionKind => (number === 0 ? 'current' : 'pending');
const devAddrNumber = (devAddr: DevAddr): number => Number.parseInt(devAddr, 16);
const devAddrText = (number: number): DevAddr =>
  number.toString(16).toUpperCase().padStart(8, '0') as DevAddr;

function packKeys({ fNwkSIntKey, sNwkSIntKey, nwkSEncKey }: NetworkSessionKeys): Uint8Array {
  const packed = new Uint8Array(3 * KEY_BYTES);
  packed.set(fNwkSIntKey, 0);
  packed.set(sNwkSIntKey, KEY_BYTES);
  packed.set(nwkSEncKey, 2 * KEY_BYTES);
  return packed;
}

function unpackKeys(packed: Uint8Array): NetworkSessionKeys {
  return {
    fNwkSIntKey: packed.slice(0, KEY_BYTES),
    sNwkSIntKey: packed.slice(KEY_BYTES, 2 * KEY_BYTES),
    nwkSEncKey: packed.slice(2 * KEY_BYTES, 3 * KEY_BYTES),
  };
}

/** Opens sealed keys through a bounded cache, which forgets everything when changes are undone. */
function createKeyReader({ dataKey, commit }: TableContext): {
  read(id: number, deviceRow: number, sealed: Uint8Array): NetworkSessionKeys;
  forget(id: number): void;
} {
  const cache = createBoundedCache<number, NetworkSessionKeys>(CACHED_SESSION_KEYS);
  commit.onRollback(cache.clear);
  return {
    read(id, deviceRow, sealed) {
      const cached = cache.get(id);
      if (cached) return cached;
      const keys = unpackKeys(dataKey.open(sealed, `ns_sessions:${deviceRow}`));
      cache.set(id, keys);
      return keys;
    },
    forget: cache.delete,
  };
}

const SESSION_COLUMNS = `s.id, s.device_row AS deviceRow, s.kind, s.dev_addr AS devAddr, s.session_key_id AS sessionKeyId,
  s.keys, s.last_f_cnt_up AS lastFCntUp, s.last_n_f_cnt_down AS lastNFCntDown,
  s.last_conf_f_cnt_down AS lastConfFCntDown, s.last_a_f_cnt_down AS lastAFCntDown,
  s.last_rj_count0 AS lastRjCount0, s.started_at_ms AS startedAtMs, m.message AS macState
  FROM ns_sessions s LEFT JOIN ns_mac_states m ON m.session_id = s.id`;

export function createNetworkSessionTable(context: TableContext): NetworkSessionTable {
  const { db, commit, dataKey } = context;
  const keyReader = createKeyReader(context);
  const byDevAddr = db.prepare<StoredSession>(`SELECT ${SESSION_COLUMNS} WHERE s.dev_addr = ?`);
  const byDevice = db.prepare<StoredSession>(`SELECT ${SESSION_COLUMNS} WHERE s.device_row = ?`);
  const put = db
    .prepare<number>(
      `INSERT INTO ns_sessions(device_row, kind, dev_addr, session_key_id, keys, last_f_cnt_up, last_n_f_cnt_down,
         last_conf_f_cnt_down, last_a_f_cnt_down, last_rj_count0, started_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(device_row, kind) DO UPDATE SET dev_addr = excluded.dev_addr,
         session_key_id = excluded.session_key_id, keys = excluded.keys, last_f_cnt_up = excluded.last_f_cnt_up,
         last_n_f_cnt_down = excluded.last_n_f_cnt_down, last_conf_f_cnt_down = excluded.last_conf_f_cnt_down,
         last_a_f_cnt_down = excluded.last_a_f_cnt_down, last_rj_count0 = excluded.last_rj_count0,
         started_at_ms = excluded.started_at_ms RETURNING id`,
    )
    .pluck();
  const counters = db.prepare(
    `UPDATE ns_sessions SET last_f_cnt_up = coalesce(?, last_f_cnt_up),
       last_n_f_cnt_down = coalesce(?, last_n_f_cnt_down),
       last_conf_f_cnt_down = coalesce(?, last_conf_f_cnt_down),
       last_a_f_cnt_down = coalesce(?, last_a_f_cnt_down),
       last_rj_count0 = coalesce(?, last_rj_count0) WHERE id = ?`,
  );
  const putMacState = db.prepare(
    `INSERT INTO ns_mac_states(session_id, message) VALUES (?, ?)
     ON CONFLICT(session_id) DO UPDATE SET message = excluded.message`,
  );
  const remove = db.prepare('DELETE FROM ns_sessions WHERE id = ?');
  const promote = db.prepare('UPDATE ns_sessions SET kind = 0, started_at_ms = ? WHERE id = ?');
  const clearQueue = db.prepare(
    'DELETE FROM ns_downlinks WHERE device_row = ? AND session_key_id = ?',
  );

  const toSession = (row: StoredSession): NetworkSession => ({
    id: row.id,
    deviceRow: row.deviceRow,
    kind: kindOf(row.kind),
    devAddr: devAddrText(row.devAddr),
    sessionKeyId: plainBytes(row.sessionKeyId),
    keys: keyReader.read(row.id, row.deviceRow, row.keys),
    startedAtMs: row.startedAtMs,
    macState: row.macState ? plainBytes(row.macState) : new Uint8Array(),
    ...(row.lastFCntUp !== null && { lastFCntUp: row.lastFCntUp }),
    ...(row.lastNFCntDown !== null && { lastNFCntDown: row.lastNFCntDown }),
    ...(row.lastConfFCntDown !== null && { lastConfFCntDown: row.lastConfFCntDown }),
    ...(row.lastAFCntDown !== null && { lastAFCntDown: row.lastAFCntDown }),
    ...(row.lastRjCount0 !== null && { lastRjCount0: row.lastRjCount0 }),
  });
  const ofDevice: NetworkSessionTable['byDevice'] = (deviceRow) => {
    const sessions: { current?: NetworkSession; pending?: NetworkSession } = {};
    for (const row of byDevice.all(deviceRow)) sessions[kindOf(row.kind)] = toSession(row);
    return sessions;
  };
  return {
    byDevAddr: (devAddr) => byDevAddr.all(devAddrNumber(devAddr)).map(toSession),
    byDevice: ofDevice,
    put(session) {
      commit.assertInUnit();
      const id = put.get(
        session.deviceRow,
        KIND_NUMBER[session.kind],
        devAddrNumber(session.devAddr),
        session.sessionKeyId,
        dataKey.seal(packKeys(session.keys), `ns_sessions:${session.deviceRow}`),
        session.lastFCntUp ?? null,
        session.lastNFCntDown ?? null,
        session.lastConfFCntDown ?? null,
        session.lastAFCntDown ?? null,
        session.lastRjCount0 ?? null,
        session.startedAtMs,
      );
      if (id === undefined) throw new Error('No row came back from ns_sessions.');
      keyReader.forget(id);
      putMacState.run(id, session.macState);
      return { ...session, id };
    },
    updateCounters(id, change) {
      commit.assertInUnit();
      counters.run(
        change.lastFCntUp ?? null,
        change.lastNFCntDown ?? null,
        change.lastConfFCntDown ?? null,
        change.lastAFCntDown ?? null,
        change.lastRjCount0 ?? null,
        id,
      );
    },
    updateMacState(id, macState) {
      commit.assertInUnit();
      putMacState.run(id, macState);
    },
    promotePending(deviceRow, startedAtMs) {
      commit.assertInUnit();
      const { current, pending } = ofDevice(deviceRow);
      if (!pending) return;
      if (current) {
        clearQueue.run(deviceRow, current.sessionKeyId);
        remove.run(current.id);
        keyReader.forget(current.id);
      }
      promote.run(startedAtMs, pending.id);
    },
    delete(id) {
      commit.assertInUnit();
      remove.run(id);
      keyReader.forget(id);
    },
  };
}

/** An application session of a device; `deviceRow` is its row in the application registry. */
export interface ApplicationSession {
  readonly id: number;
  readonly deviceRow: number;
  readonly kind: SessionKind;
  readonly devAddr?: DevAddr;
  readonly sessionKeyId: Uint8Array;
  /** Raw key; absent if only somebody else has it. */
  readonly appSKey?: Uint8Array;
  readonly lastAFCntDown?: number;
  readonly startedAtMs: number;
}

export interface ApplicationSessionTable {
  byDevice(deviceRow: number): { current?: ApplicationSession; pending?: ApplicationSession };
  put(session: Omit<ApplicationSession, 'id'>): ApplicationSession;
  promotePending(deviceRow: number): void;
  updateLastAFCntDown(id: number, lastAFCntDown: number): void;
  delete(id: number): void;
}

interface StoredApplicationSession {
  readonly id: number;
  readonly deviceRow: number;
  readonly kind: number;
  readonly devAddr: number | null;
  readonly sessionKeyId: Uint8Array;
  readonly appSKey: Uint8Array | null;
  readonly lastAFCntDown: number | null;
  readonly startedAtMs: number;
}

export function createApplicationSessionTable(context: TableContext): ApplicationSessionTable {
  const { db, commit, dataKey } = context;
  const byDevice = db.prepare<StoredApplicationSession>(
    `SELECT id, device_row AS deviceRow, kind, dev_addr AS devAddr, session_key_id AS sessionKeyId,
       app_s_key AS appSKey, last_a_f_cnt_down AS lastAFCntDown, started_at_ms AS startedAtMs
     FROM as_sessions WHERE device_row = ?`,
  );
  const put = db
    .prepare<number>(
      `INSERT INTO as_sessions(device_row, kind, dev_addr, session_key_id, app_s_key, last_a_f_cnt_down, started_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(device_row, kind) DO UPDATE SET dev_addr = excluded.dev_addr,
         session_key_id = excluded.session_key_id, app_s_key = excluded.app_s_key,
         last_a_f_cnt_down = excluded.last_a_f_cnt_down, started_at_ms = excluded.started_at_ms RETURNING id`,
    )
    .pluck();
  const removeCurrent = db.prepare('DELETE FROM as_sessions WHERE device_row = ? AND kind = 0');
  const promote = db.prepare('UPDATE as_sessions SET kind = 0 WHERE device_row = ? AND kind = 1');
  const counter = db.prepare('UPDATE as_sessions SET last_a_f_cnt_down = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM as_sessions WHERE id = ?');
  const ofDevice: ApplicationSessionTable['byDevice'] = (deviceRow) => {
    const sessions: { current?: ApplicationSession; pending?: ApplicationSession } = {};
    for (const row of byDevice.all(deviceRow)) {
      const { devAddr, appSKey, lastAFCntDown } = row;
      sessions[kindOf(row.kind)] = {
        id: row.id,
        deviceRow,
        kind: kindOf(row.kind),
        sessionKeyId: plainBytes(row.sessionKeyId),
        startedAtMs: row.startedAtMs,
        ...(devAddr !== null && { devAddr: devAddrText(devAddr) }),
        ...(appSKey && { appSKey: dataKey.open(appSKey, `as_sessions:${deviceRow}`) }),
        ...(lastAFCntDown !== null && { lastAFCntDown }),
      };
    }
    return sessions;
  };
  return {
    byDevice: ofDevice,
    put(session) {
      commit.assertInUnit();
      const { deviceRow, devAddr, appSKey } = session;
      const id = put.get(
        deviceRow,
        KIND_NUMBER[session.kind],
        devAddr === undefined ? null : devAddrNumber(devAddr),
        session.sessionKeyId,
        appSKey ? dataKey.seal(appSKey, `as_sessions:${deviceRow}`) : null,
        session.lastAFCntDown ?? null,
        session.startedAtMs,
      );
      if (id === undefined) throw new Error('No row came back from as_sessions.');
      return { ...session, id };
    },
    promotePending(deviceRow) {
      commit.assertInUnit();
      if (!ofDevice(deviceRow).pending) return;
      removeCurrent.run(deviceRow);
      promote.run(deviceRow);
    },
    updateLastAFCntDown(id, lastAFCntDown) {
      commit.assertInUnit();
      counter.run(lastAFCntDown, id);
    },
    delete(id) {
      commit.assertInUnit();
      remove.run(id);
    },
  };
}
