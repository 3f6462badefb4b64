/** Devices, their registration and what a killed program leaves behind, for the test that kills it. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  downlinksOf,
  type Forwarder,
  type HeardDownlink,
  type SessionKeys,
} from './radio-fleet.ts';

export const APPLICATION = 'kill';
export const OTAA = {
  joinEui: '0000000000000001',
  devEui: '0004A30B001C0530',
  appKey: Buffer.from('8AFE71A145B253E49C3031AD068277A1', 'hex'),
} as const;

export interface FleetDevice {
  readonly id: string;
  /** Sends confirmed uplinks, slowly enough for each to be answered; the others are fast and are not. */
  readonly confirmed: boolean;
  /** Absent before the first join. */
  keys: SessionKeys | undefined;
  nextFCnt: number;
}

/** A personalized device; its keys follow from its number. */
export const personalizedDevice = (number: number, confirmed: boolean): FleetDevice => ({
  id: `${confirmed ? 'answered' : 'fast'}-${number}`,
  confirmed,
  keys: {
    devAddr: `02AB00${number.toString(16).padStart(2, '0').toUpperCase()}`,
    nwkSKey: Buffer.alloc(16, number),
    appSKey: Buffer.alloc(16, 0x80 + number),
  },
  nextFCnt: 0,
});

/** The device's registration as the API takes it. A device without keys joins. */
export function registrationOf({ id, keys }: FleetDevice): unknown {
  const ids = { device_id: id, application_ids: { application_id: APPLICATION } };
  const common = {
    frequency_plan_id: 'EU_863_870',
    lorawan_version: '1.0.3',
    lorawan_phy_version: '1.0.3-a',
    mac_settings: {
      rx1_delay: 'RX_DELAY_1',
      desired_rx1_delay: 'RX_DELAY_1',
      adr: { disabled: {} },
    },
  };
  if (!keys) {
    return {
      ...common,
      ids: { ...ids, join_eui: OTAA.joinEui, dev_eui: OTAA.devEui },
      supports_join: true,
      root_keys: { app_key: { key: OTAA.appKey.toString('hex') } },
    };
  }
  const session = {
    dev_addr: keys.devAddr,
    keys: {
      f_nwk_s_int_key: { key: keys.nwkSKey.toString('hex') },
      app_s_key: { key: keys.appSKey.toString('hex') },
    },
  };
  return { ...common, ids, session };
}

/** Name of an uplink across devices and sessions. */
export const uplinkName = (id: string, devAddr: string, fCnt: number | string): string =>
  `${id} ${devAddr} ${fCnt}`;

/** The uplink that a line of the event stream says the application got; undefined for other events. */
export function forwardedUplink(line: string): string | undefined {
  const { result } = JSON.parse(line) as {
    result: {
      name: string;
      identifiers: { device_ids: { device_id: string; dev_addr: string } }[];
      data?: { uplink_message: { frm_payload: string } };
    };
  };
  const ids = result.identifiers[0]?.device_ids;
  if (result.name !== 'as.up.data.forward' || !ids) return undefined;
  const payload = Buffer.from(result.data?.uplink_message.frm_payload ?? '', 'base64').toString();
  return uplinkName(ids.device_id, ids.dev_addr, payload.slice('up '.length));
}

/** PHYPayloads of the receptions that a dead program had stored and not decided. Its folder is left as it is. */
export function undecidedReceptions(directory: string): Buffer[] {
  const copy = mkdtempSync(join(tmpdir(), 'gatehouse-killed-'));
  for (const name of ['frames.db', 'frames.db-wal'])
    if (existsSync(join(directory, name))) copyFileSync(join(directory, name), join(copy, name));
  const db = new Database(join(copy, 'frames.db'));
  const rows = db.prepare<Uint8Array>('SELECT phy_payload FROM receptions').pluck().all();
  db.close();
  rmSync(copy, { recursive: true, force: true });
  return rows.map((row) => Buffer.from(row));
}

/** Everything the forwarders transmitted to the sessions, as the devices read it. Each frame is read once. */
export function createDownlinkReader(
  forwarders: () => readonly Forwarder[],
  sessions: readonly SessionKeys[],
): () => readonly HeardDownlink[] {
  const downlinks: HeardDownlink[] = [];
  const readCounts = new Map<Forwarder, number>();
  return () => {
    for (const forwarder of forwarders()) {
      const { transmitted } = forwarder;
      downlinks.push(...downlinksOf(transmitted.slice(readCounts.get(forwarder)), sessions));
      readCounts.set(forwarder, transmitted.length);
    }
    return downlinks;
  };
}

/** Downlinks that their device refuses, and those whose counter was used before with the same keys. */
export function faultyDownlinks(downlinks: readonly HeardDownlink[]): readonly HeardDownlink[] {
  const seen = new Set<string>();
  return downlinks.filter(({ devAddr, fCnt, micValid }) => {
    const name = `${devAddr} ${fCnt}`;
    const isFaulty = !micValid || seen.has(name);
    seen.add(name);
    return isFaulty;
  });
}

export interface FrameJson {
  readonly id: string;
  readonly phy_payload: string;
  readonly verdict: { readonly outcome: string; readonly cause?: string };
}

const LARGEST_PAGE = 1_000;

/** The newest recorded frames, or all if there are fewer. */
export async function pagesOfFrames(
  get: (path: string) => Promise<Record<string, unknown>>,
  count: number,
): Promise<FrameJson[]> {
  const found: FrameJson[] = [];
  while (found.length < count) {
    const limit = Math.min(LARGEST_PAGE, count - found.length);
    const before = found.at(-1)?.id ?? 0;
    const { frames = [] } = await get(`/gatehouse/frames?limit=${limit}&before_id=${before}`);
    found.push(...(frames as FrameJson[]));
    if ((frames as FrameJson[]).length < limit) break;
  }
  return found;
}
