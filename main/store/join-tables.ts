import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { plainBytes, type TableContext } from './simple-tables.ts';

/** What the join server remembers of a device; `deviceRow` is its row in the join registry. */
export interface JoinState {
  readonly lastDevNonce?: number;
  readonly usedDevNonces: readonly number[];
  readonly lastJoinNonce?: number;
  readonly lastRjCount0?: number;
  readonly lastRjCount1?: number;
}

export interface JoinStateTable {
  get(deviceRow: number): JoinState;
  put(deviceRow: number, state: JoinState): void;
}

interface StoredJoinState {
  readonly lastDevNonce: number | null;
  readonly usedDevNonces: Uint8Array;
  readonly lastJoinNonce: number | null;
  readonly lastRjCount0: number | null;
  readonly lastRjCount1: number | null;
}

function packNonces(nonces: readonly number[]): Uint8Array {
  const packed = new Uint8Array(nonces.length * 2);
  const view = new DataView(packed.buffer);
  nonces.forEach((nonce, index) => {
    view.setUint16(index * 2, nonce);
  });
  return packed;
}

function unpackNonces(packed: Uint8Array): number[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.length / 2 }, (_, index) => view.getUint16(index * 2));
}

export function createJoinStateTable({ db, commit }: TableContext): JoinStateTable {
  const get = db.prepare<StoredJoinState>(
    `SELECT last_dev_nonce AS lastDevNonce, used_dev_nonces AS usedDevNonces, last_join_nonce AS lastJoinNonce,
       last_rj_count0 AS lastRjCount0, last_rj_count1 AS lastRjCount1 FROM js_state WHERE device_row = ?`,
  );
  const put = db.prepare(
    `INSERT INTO js_state(device_row, last_dev_nonce, used_dev_nonces, last_join_nonce, last_rj_count0, last_rj_count1)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT(device_row) DO UPDATE SET last_dev_nonce = excluded.last_dev_nonce,
       used_dev_nonces = excluded.used_dev_nonces, last_join_nonce = excluded.last_join_nonce,
       last_rj_count0 = excluded.last_rj_count0, last_rj_count1 = excluded.last_rj_count1`,
  );
  return {
    get(deviceRow) {
      const row = get.get(deviceRow);
      if (!row) return { usedDevNonces: [] };
      const { lastDevNonce, lastJoinNonce, lastRjCount0, lastRjCount1 } = row;
      return {
        usedDevNonces: unpackNonces(row.usedDevNonces),
        ...(lastDevNonce !== null && { lastDevNonce }),
        ...(lastJoinNonce !== null && { lastJoinNonce }),
        ...(lastRjCount0 !== null && { lastRjCount0 }),
        ...(lastRjCount1 !== null && { lastRjCount1 }),
      };
    },
    put(deviceRow, state) {
      commit.assertInUnit();
      put.run(
        deviceRow,
        state.lastDevNonce ?? null,
        packNonces(state.usedDevNonces),
        state.lastJoinNonce ?? null,
        state.lastRjCount0 ?? null,
        state.lastRjCount1 ?? null,
      );
    },
  };
}

/** A queued application downlink: payload encrypted, counter assigned. */
export interface QueuedDownlink {
  readonly id: number;
  readonly sessionKeyId: Uint8Array;
  readonly downlink: ApplicationDownlink;
}

/** Queues of the network server, in order; `deviceRow` is a row of the network registry. */
export interface DownlinkQueueTable {
  push(deviceRow: number, sessionKeyId: Uint8Array, items: readonly ApplicationDownlink[]): void;
  /** Replaces the queue of one session. */
  replace(deviceRow: number, sessionKeyId: Uint8Array, items: readonly ApplicationDownlink[]): void;
  list(deviceRow: number): QueuedDownlink[];
  remove(id: number): void;
  /** Clears the queue of one session, or of all. */
  clear(deviceRow: number, sessionKeyId?: Uint8Array): void;
  /** Entries of a session. */
  count(deviceRow: number, sessionKeyId: Uint8Array): number;
  /** Devices that have entries, by their row, from behind `afterRow` on. */
  devices(afterRow: number, limit: number): number[];
}

export function createDownlinkQueueTable({ db, commit }: TableContext): DownlinkQueueTable {
  const insert = db.prepare(
    'INSERT INTO ns_downlinks(device_row, session_key_id, message) VALUES (?, ?, ?)',
  );
  const list = db.prepare<{ id: number; sessionKeyId: Uint8Array; message: Uint8Array }>(
    'SELECT id, session_key_id AS sessionKeyId, message FROM ns_downlinks WHERE device_row = ? ORDER BY id',
  );
  const remove = db.prepare('DELETE FROM ns_downlinks WHERE id = ?');
  const clearAll = db.prepare('DELETE FROM ns_downlinks WHERE device_row = ?');
  const clearSession = db.prepare(
    'DELETE FROM ns_downlinks WHERE device_row = ? AND session_key_id = ?',
  );
  const count = db
    .prepare<number>(
      'SELECT count(*) FROM ns_downlinks WHERE device_row = ? AND session_key_id = ?',
    )
    .pluck();
  const devices = db
    .prepare<number>(
      'SELECT DISTINCT device_row FROM ns_downlinks WHERE device_row > ? ORDER BY device_row LIMIT ?',
    )
    .pluck();
  const push: DownlinkQueueTable['push'] = (deviceRow, sessionKeyId, items) => {
    commit.assertInUnit();
    for (const item of items) {
      insert.run(deviceRow, sessionKeyId, toBinary(ApplicationDownlinkSchema, item));
    }
  };
  return {
    push,
    replace(deviceRow, sessionKeyId, items) {
      commit.assertInUnit();
      clearSession.run(deviceRow, sessionKeyId);
      push(deviceRow, sessionKeyId, items);
    },
    list: (deviceRow) =>
      list.all(deviceRow).map(({ id, sessionKeyId, message }) => ({
        id,
        sessionKeyId: plainBytes(sessionKeyId),
        downlink: fromBinary(ApplicationDownlinkSchema, plainBytes(message)),
      })),
    remove(id) {
      commit.assertInUnit();
      remove.run(id);
    },
    clear(deviceRow, sessionKeyId) {
      commit.assertInUnit();
      if (sessionKeyId) clearSession.run(deviceRow, sessionKeyId);
      else clearAll.run(deviceRow);
    },
    count: (deviceRow, sessionKeyId) => count.get(deviceRow, sessionKeyId) ?? 0,
    devices: (afterRow, limit) => devices.all(afterRow, limit),
  };
}
