import { fromBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Frame } from '../api/gen/gatehouse/v1/frames_pb.js';
import { type MACState, MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { CauseCode } from '../base/causes.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { type AesKey, type DevAddr, expandKey, type SessionAesKeys } from '../lorawan/index.ts';
import { recentTraffic } from '../registry/index.ts';
import { createBoundedCache, type NetworkSession } from '../store/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import { type DeviceProfile, profileOf } from './device-profile.ts';
import { newMacState } from './new-mac-state.ts';
import type { NetworkDevice, NetworkRegistry, NetworkStore } from './ports.ts';

/** An uplink as ADR remembers it. */
export interface RecentUplink {
  readonly fullFCnt: number;
  readonly dataRateIndex: number;
  readonly maxSnrDb: number | undefined;
}

/** When a frame is on air, on the monotonic clock. */
export interface OnAir {
  readonly startMonotonicMs: number;
  readonly endMonotonicMs: number;
}

/** What is remembered of a session in memory only; losing it costs a little comfort, nothing else. */
export interface SessionActivity {
  /** Newest last. */
  recentUplinks: RecentUplink[];
  /** The newest accepted uplink, for telling repetitions from replays. */
  lastUplink:
    | { readonly phyPayload: Uint8Array; transmissions: number; receivedMonotonicMs: number }
    | undefined;
  /** Wall clock of the last DevStatusAns. */
  devStatusAtMs: number | undefined;
  /** Runs out when the receive windows of the newest uplink have to be used. */
  slot: Timer | undefined;
  /** Runs out when there may be something to do for a class C device. */
  classC: Timer | undefined;
  /** The newest accepted uplink: its receptions say which gateways reach the device. */
  lastGroup: UplinkGroup | undefined;
  /** The newest data downlink. */
  lastDownlink: OnAir | undefined;
  /** The head of the queue that the gateways refuse: since when, and why when they were last asked. */
  postponed:
    | { readonly itemId: number; readonly sinceMs: number; cause: CauseCode | undefined }
    | undefined;
}

/** A session with its keys expanded and its MAC state decoded. Changed only inside units. */
export interface LiveSession {
  readonly id: number;
  readonly device: NetworkDevice;
  readonly profile: DeviceProfile | undefined;
  readonly devAddr: DevAddr;
  readonly sessionKeyId: Uint8Array;
  readonly stored: NetworkSession;
  readonly keys: SessionAesKeys;
  readonly activity: SessionActivity;
  kind: NetworkSession['kind'];
  lastFCntUp: number | undefined;
  lastNFCntDown: number | undefined;
  lastConfFCntDown: number | undefined;
  /** LoRaWAN 1.1 only. */
  lastAFCntDown: number | undefined;
  mac: MACState;
}

/** Whether the session runs by LoRaWAN 1.1. */
export function isLorawan11(session: Pick<LiveSession, 'mac'>): boolean {
  return session.mac.lorawanVersion === MACVersion.MAC_V1_1;
}

/** The last counter that application downlinks must stay above: their own in LoRaWAN 1.1, else the common one. */
export function lastApplicationCounter(
  session: Pick<LiveSession, 'mac' | 'lastNFCntDown' | 'lastAFCntDown'>,
): number | undefined {
  return isLorawan11(session) ? session.lastAFCntDown : session.lastNFCntDown;
}

/** The MAC state of a session as it is stored, if it is complete. */
export function storedMacState({ macState }: NetworkSession): MACState | undefined {
  const mac = macState.length > 0 ? fromBinary(MACStateSchema, macState) : undefined;
  return mac?.currentParameters && mac.desiredParameters ? mac : undefined;
}

/** Sessions by address, bounded. */
export interface SessionCache {
  byDevAddr(devAddr: DevAddr): readonly LiveSession[];
  forget(devAddr: DevAddr): void;
  /** The session starts anew at that time; what is remembered of it goes on. */
  started(session: LiveSession, startedAtMs: number): void;
  clear(): void;
}

const KEPT_ADDRESSES = 20_000;
const KEPT_ACTIVITIES = 40_000;

function expandKeys({ keys }: NetworkSession): SessionAesKeys {
  const fNwkSIntKey = expandKey(keys.fNwkSIntKey);
  const expand = (raw: Uint8Array): AesKey =>
    raw.every((byte, index) => byte === keys.fNwkSIntKey[index]) ? fNwkSIntKey : expandKey(raw);
  return {
    fNwkSIntKey,
    sNwkSIntKey: expand(keys.sNwkSIntKey),
    nwkSEncKey: expand(keys.nwkSEncKey),
  };
}

/**
 * What the frame log says of a session that was heard before this program started: repetitions are told from replays, and
 * the data rate goes on being adapted.
 */
function heardBefore(
  { frames }: NetworkStore,
  clock: Pick<Clock, 'now' | 'monotonic'>,
  device: NetworkDevice,
  session: NetworkSession,
): Pick<SessionActivity, 'recentUplinks' | 'lastUplink'> {
  const heard = recentTraffic(frames, device, session).uplinks.filter(
    ({ frame }) => frame.fullFCnt !== undefined,
  );
  const recentUplinks = heard.map(({ frame }) => ({
    fullFCnt: frame.fullFCnt ?? 0,
    dataRateIndex: frame.dataRateIndex ?? 0,
    maxSnrDb: bestSnrDb(frame),
  }));
  const newest = heard.at(-1);
  if (newest?.frame.fullFCnt !== session.lastFCntUp || !newest?.frame.time)
    return { recentUplinks, lastUplink: undefined };
  const { phyPayload, time } = newest.frame;
  const ageMs = clock.now() - timestampMs(time);
  const receivedMonotonicMs = clock.monotonic() - ageMs;
  const { transmissions } = newest;
  return { recentUplinks, lastUplink: { phyPayload, transmissions, receivedMonotonicMs } };
}

function bestSnrDb({ receptions }: Frame): number | undefined {
  const values = receptions.flatMap(({ antennas }) => antennas.flatMap(({ snrDb }) => snrDb ?? []));
  return values.length > 0 ? Math.max(...values) : undefined;
}

/** Creates the cache. It forgets by itself when changes are undone or a device is registered anew. */
export function createSessionCache(
  store: NetworkStore,
  registry: NetworkRegistry,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): SessionCache {
  const addresses = createBoundedCache<DevAddr, readonly LiveSession[]>(KEPT_ADDRESSES);
  const activities = createBoundedCache<string, SessionActivity>(KEPT_ACTIVITIES);

  const keyOf = (id: number, startedAtMs: number): string => `${id}:${startedAtMs}`;
  const activityOf = (session: NetworkSession, device: NetworkDevice): SessionActivity => {
    const { id, startedAtMs, lastFCntUp } = session;
    const key = keyOf(id, startedAtMs);
    const known = activities.get(key);
    if (known) return known;
    const fresh: SessionActivity = {
      ...(lastFCntUp === undefined
        ? { recentUplinks: [], lastUplink: undefined }
        : heardBefore(store, clock, device, session)),
      devStatusAtMs: undefined,
      slot: undefined,
      classC: undefined,
      lastGroup: undefined,
      lastDownlink: undefined,
      postponed: undefined,
    };
    activities.set(key, fresh);
    return fresh;
  };
  const live = (stored: NetworkSession): LiveSession[] => {
    const device = registry.networkDeviceById(stored.deviceRow);
    if (!device) return [];
    return [
      {
        id: stored.id,
        device,
        profile: profileOf(device.message),
        devAddr: stored.devAddr,
        sessionKeyId: stored.sessionKeyId,
        stored,
        keys: expandKeys(stored),
        activity: activityOf(stored, device),
        kind: stored.kind,
        lastFCntUp: stored.lastFCntUp,
        lastNFCntDown: stored.lastNFCntDown,
        lastConfFCntDown: stored.lastConfFCntDown,
        lastAFCntDown: stored.lastAFCntDown,
        mac: storedMacState(stored) ?? newMacState(device.message),
      },
    ];
  };

  store.onRollback(() => addresses.clear());
  registry.onChange(() => addresses.clear());
  return {
    byDevAddr(devAddr) {
      const known = addresses.get(devAddr);
      if (known) return known;
      const sessions = store.networkSessions.byDevAddr(devAddr).flatMap(live);
      addresses.set(devAddr, sessions);
      return sessions;
    },
    forget: (devAddr) => addresses.delete(devAddr),
    started: ({ id, activity }, startedAtMs) => activities.set(keyOf(id, startedAtMs), activity),
    clear: () => addresses.clear(),
  };
}
