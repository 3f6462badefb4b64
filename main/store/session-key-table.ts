import { plainBytes, type TableContext } from './simple-tables.ts';

/** Raw keys of a session; in LoRaWAN 1.0.x the NwkSKey stands in all three network places. */
export interface StoredSessionKeys {
  readonly fNwkSIntKey: Uint8Array;
  readonly sNwkSIntKey: Uint8Array;
  readonly nwkSEncKey: Uint8Array;
  readonly appSKey: Uint8Array;
}

/** Keys of the newest sessions per device; `deviceRow` is its row in the join registry. They go with the device. */
export interface SessionKeyTable {
  get(deviceRow: number, sessionKeyId: Uint8Array): StoredSessionKeys | undefined;
  /** Adds a session and forgets the oldest ones above `limit`. */
  put(deviceRow: number, sessionKeyId: Uint8Array, keys: StoredSessionKeys, limit: number): void;
}

const KEY_BYTES = 16;
const NAMES = ['fNwkSIntKey', 'sNwkSIntKey', 'nwkSEncKey', 'appSKey'] as const;

function packKeys(keys: StoredSessionKeys): Uint8Array {
  const packed = new Uint8Array(NAMES.length * KEY_BYTES);
  for (const [index, name] of NAMES.entries()) packed.set(keys[name], index * KEY_BYTES);
  return packed;
}

function unpackKeys(packed: Uint8Array): StoredSessionKeys {
  const [fNwkSIntKey, sNwkSIntKey, nwkSEncKey, appSKey] = NAMES.map((_, index) =>
    packed.slice(index * KEY_BYTES, (index + 1) * KEY_BYTES),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return { fNwkSIntKey, sNwkSIntKey, nwkSEncKey, appSKey };
}

/** Creates the session key table; keys are sealed. */
export function createSessionKeyTable({ db, commit, dataKey }: TableContext): SessionKeyTable {
  const context = (deviceRow: number): string => `js_session_keys:${deviceRow}`;
  const get = db
    .prepare<Uint8Array>(
      'SELECT keys FROM js_session_keys WHERE device_row = ? AND session_key_id = ?',
    )
    .pluck();
  const put = db.prepare(
    `INSERT INTO js_session_keys(device_row, session_key_id, keys) VALUES (?, ?, ?)
     ON CONFLICT(device_row, session_key_id) DO UPDATE SET keys = excluded.keys`,
  );
  const forget = db.prepare(
    `DELETE FROM js_session_keys WHERE device_row = ? AND id NOT IN
       (SELECT id FROM js_session_keys WHERE device_row = ? ORDER BY id DESC LIMIT ?)`,
  );
  return {
    get(deviceRow, sessionKeyId) {
      const sealed = get.get(deviceRow, sessionKeyId);
      return sealed && unpackKeys(dataKey.open(plainBytes(sealed), context(deviceRow)));
    },
    put(deviceRow, sessionKeyId, keys, limit) {
      commit.assertInUnit();
      put.run(deviceRow, sessionKeyId, dataKey.seal(packKeys(keys), context(deviceRow)));
      forget.run(deviceRow, deviceRow, limit);
    },
  };
}
