import { type DevEui, eui64FromBytes, eui64ToBytes, type JoinEui } from '../lorawan/index.ts';
import type { Page, TableContext } from './simple-tables.ts';

/** Who has claimed a device. */
export interface DeviceClaim {
  readonly applicationId: string;
  readonly deviceId: string;
  readonly claimedAtMs: number;
}

/** A device that can be claimed. */
export interface ClaimableDevice {
  readonly joinEui: JoinEui;
  readonly devEui: DevEui;
  readonly addedAtMs: number;
  readonly claim?: DeviceClaim;
}

export interface ClaimableDeviceTable {
  get(joinEui: JoinEui, devEui: DevEui): ClaimableDevice | undefined;
  /** The code on the label, in the clear here and sealed at rest. */
  codeOf(joinEui: JoinEui, devEui: DevEui): string | undefined;
  /** Whether there is any device of a JoinEUI. */
  hasJoinEui(joinEui: JoinEui): boolean;
  /** In order of their EUIs; those of one JoinEUI or all. */
  list(page: { limit: number; offset: number }, joinEui?: JoinEui): Page<ClaimableDevice>;
  /** Adds a device, or gives a known one another code; who has claimed it stays. */
  put(device: { joinEui: JoinEui; devEui: DevEui; addedAtMs: number }, code: string): void;
  setClaim(joinEui: JoinEui, devEui: DevEui, claim: DeviceClaim | undefined): void;
  /** Frees what an application has claimed. */
  release(applicationId: string): void;
  delete(joinEui: JoinEui, devEui: DevEui): boolean;
}

interface StoredDevice {
  readonly joinEui: Uint8Array;
  readonly devEui: Uint8Array;
  readonly addedAtMs: number;
  readonly applicationId: string | null;
  readonly deviceId: string | null;
  readonly claimedAtMs: number | null;
}

function toDevice(row: StoredDevice): ClaimableDevice {
  const { applicationId, deviceId, claimedAtMs } = row;
  const isClaimed = applicationId !== null && deviceId !== null && claimedAtMs !== null;
  return {
    joinEui: eui64FromBytes(row.joinEui) as JoinEui,
    devEui: eui64FromBytes(row.devEui) as DevEui,
    addedAtMs: row.addedAtMs,
    ...(isClaimed && { claim: { applicationId, deviceId, claimedAtMs } }),
  };
}

const COLUMNS = `join_eui AS joinEui, dev_eui AS devEui, added_at_ms AS addedAtMs, application_id AS applicationId,
  device_id AS deviceId, claimed_at_ms AS claimedAtMs FROM claimable_devices`;
const ONE = 'WHERE join_eui = ? AND dev_eui = ?';
const OF_JOIN_EUI = 'WHERE (? IS NULL OR join_eui = ?)';

export function createClaimableDeviceTable({
  db,
  commit,
  dataKey,
}: TableContext): ClaimableDeviceTable {
  const get = db.prepare<StoredDevice>(`SELECT ${COLUMNS} ${ONE}`);
  const codeOf = db.prepare<Uint8Array>(`SELECT code FROM claimable_devices ${ONE}`).pluck();
  const hasJoinEui = db
    .prepare<number>('SELECT 1 FROM claimable_devices WHERE join_eui = ? LIMIT 1')
    .pluck();
  const count = db.prepare<number>(`SELECT count(*) FROM claimable_devices ${OF_JOIN_EUI}`).pluck();
  const list = db.prepare<StoredDevice>(
    `SELECT ${COLUMNS} ${OF_JOIN_EUI} ORDER BY join_eui, dev_eui LIMIT ? OFFSET ?`,
  );
  const put = db.prepare(
    `INSERT INTO claimable_devices(join_eui, dev_eui, code, added_at_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT(join_eui, dev_eui) DO UPDATE SET code = excluded.code`,
  );
  const setClaim = db.prepare(
    `UPDATE claimable_devices SET application_id = ?, device_id = ?, claimed_at_ms = ? ${ONE}`,
  );
  const release = db.prepare(
    `UPDATE claimable_devices SET application_id = NULL, device_id = NULL, claimed_at_ms = NULL
     WHERE application_id = ?`,
  );
  const remove = db.prepare(`DELETE FROM claimable_devices ${ONE}`);
  const euis = (joinEui: JoinEui, devEui: DevEui) =>
    [eui64ToBytes(joinEui), eui64ToBytes(devEui)] as const;
  const context = (joinEui: JoinEui, devEui: DevEui) => `claimable_devices:${joinEui}:${devEui}`;
  return {
    get(joinEui, devEui) {
      const row = get.get(...euis(joinEui, devEui));
      return row && toDevice(row);
    },
    codeOf(joinEui, devEui) {
      const sealed = codeOf.get(...euis(joinEui, devEui));
      return sealed && new TextDecoder().decode(dataKey.open(sealed, context(joinEui, devEui)));
    },
    hasJoinEui: (joinEui) => hasJoinEui.get(eui64ToBytes(joinEui)) !== undefined,
    list({ limit, offset }, joinEui) {
      const filter = joinEui === undefined ? null : eui64ToBytes(joinEui);
      return {
        rows: list.all(filter, filter, limit, offset).map(toDevice),
        total: count.get(filter, filter) ?? 0,
      };
    },
    put({ joinEui, devEui, addedAtMs }, code) {
      commit.assertInUnit();
      const sealed = dataKey.seal(new TextEncoder().encode(code), context(joinEui, devEui));
      put.run(...euis(joinEui, devEui), sealed, addedAtMs);
    },
    setClaim(joinEui, devEui, claim) {
      commit.assertInUnit();
      const { applicationId = null, deviceId = null, claimedAtMs = null } = claim ?? {};
      setClaim.run(applicationId, deviceId, claimedAtMs, ...euis(joinEui, devEui));
    },
    release(applicationId) {
      commit.assertInUnit();
      release.run(applicationId);
    },
    delete(joinEui, devEui) {
      commit.assertInUnit();
      return remove.run(...euis(joinEui, devEui)).changes > 0;
    },
  };
}
