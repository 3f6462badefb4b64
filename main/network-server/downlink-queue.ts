import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type ApplicationDownlink,
  DownlinkQueueOperationErrorDetailsSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { devAddrToBytes, formatHex } from '../lorawan/index.ts';
import type { DeviceRef, DownlinkQueue } from '../seams/application-traffic.ts';
import type { NetworkSession } from '../store/index.ts';
import { profileOf } from './device-profile.ts';
import {
  classBCNotServed,
  deviceNotFound,
  downlinkTooLong,
  expired,
  fCntTooLow,
  multicastNotServed,
  queueFull,
  unknownSession,
} from './errors.ts';
import type { NetworkDevice, NetworkRegistry, NetworkStore } from './ports.ts';

const CAPACITY = 10_000;
/** FHDR without FOpts, and FPort. */
const HEADER_BYTES = 8;

interface Sessions {
  readonly current?: NetworkSession;
  readonly pending?: NetworkSession;
}

/** Whether network and application count downlinks together (before LoRaWAN 1.1). */
function sharesCounter({ message }: NetworkDevice): boolean {
  return message.lorawanVersion !== MACVersion.MAC_V1_1;
}

function firstFreeCounter(device: NetworkDevice, session: NetworkSession): number {
  const last = sharesCounter(device) ? session.lastNFCntDown : session.lastAFCntDown;
  return last === undefined ? 0 : last + 1;
}

function longestPayload({ message }: NetworkDevice): number | undefined {
  const profile = profileOf(message);
  if (!profile) return undefined;
  const limits = [...profile.band.dataRates.values()]
    .filter(({ direction }) => direction !== 'up')
    .map(({ maxMacPayload }) => maxMacPayload);
  return Math.max(...limits) - HEADER_BYTES;
}

/** Details the application server needs to correct its counters. */
function details({ current, pending }: Sessions, minimum: (session: NetworkSession) => number) {
  return create(DownlinkQueueOperationErrorDetailsSchema, {
    ...(current && {
      devAddr: devAddrToBytes(current.devAddr),
      sessionKeyId: current.sessionKeyId,
      minFCntDown: minimum(current),
    }),
    ...(pending && {
      pendingDevAddr: devAddrToBytes(pending.devAddr),
      pendingSessionKeyId: pending.sessionKeyId,
      pendingMinFCntDown: minimum(pending),
    }),
  });
}

/** The time of a downlink has to be so far ahead. */
const AHEAD_MS = 2_500;

/** The queue as the application server sees it. `onQueued` is called when the entries of a device are durable. */
export function createDownlinkQueue(
  store: NetworkStore,
  registry: NetworkRegistry,
  clock: Pick<Clock, 'now'>,
  onQueued: (deviceRow: number) => void,
): DownlinkQueue {
  const find = ({ applicationId, deviceId }: DeviceRef): NetworkDevice => {
    const device = registry.networkDeviceByIds(applicationId, deviceId);
    if (!device) throw deviceNotFound({ device_uid: `${applicationId}.${deviceId}` });
    return device;
  };

  /** Lowest counter each session takes next, what is queued included. */
  const minimums = (device: NetworkDevice, sessions: Sessions): Map<string, number> => {
    const next = new Map<string, number>();
    for (const session of [sessions.current, sessions.pending])
      if (session) next.set(formatHex(session.sessionKeyId), firstFreeCounter(device, session));
    for (const { sessionKeyId, downlink } of store.downlinkQueue.list(device.row)) {
      const key = formatHex(sessionKeyId);
      next.set(key, Math.max(next.get(key) ?? 0, downlink.fCnt + 1));
    }
    return next;
  };

  const check = (device: NetworkDevice, downlinks: readonly ApplicationDownlink[]): void => {
    if (downlinks.length > 2 * CAPACITY) {
      const { applicationId, deviceId } = device;
      throw queueFull({ device_uid: `${applicationId}.${deviceId}`, max: 2 * CAPACITY });
    }
    const sessions: Sessions = store.networkSessions.byDevice(device.row);
    const uid = `${device.applicationId}.${device.deviceId}`;
    const next = minimums(device, sessions);
    const maxLength = longestPayload(device);
    if (device.message.multicast) throw multicastNotServed({ device_uid: uid });
    if (!device.message.supportsClassC && downlinks.some(({ classBC }) => classBC))
      throw classBCNotServed({ device_uid: uid });
    for (const { classBC } of downlinks) {
      const at = classBC?.absoluteTime;
      if (at && timestampMs(at) < clock.now() + AHEAD_MS) throw expired({ device_uid: uid });
    }
    const known = new Set(
      [sessions.current, sessions.pending].flatMap((session) =>
        session ? [formatHex(session.sessionKeyId)] : [],
      ),
    );
    const minimumOf = (session: NetworkSession): number =>
      next.get(formatHex(session.sessionKeyId)) ?? 0;
    for (const { sessionKeyId, fCnt, frmPayload } of downlinks) {
      const key = formatHex(sessionKeyId);
      if (!known.has(key))
        throw unknownSession({ device_uid: uid }, { details: [details(sessions, minimumOf)] });
      if (maxLength !== undefined && frmPayload.length > maxLength)
        throw downlinkTooLong({ device_uid: uid, length: frmPayload.length, max: maxLength });
      const minimum = next.get(key) ?? 0;
      if (fCnt < minimum)
        throw fCntTooLow(
          { f_cnt: fCnt, min_f_cnt: minimum },
          { details: [details(sessions, minimumOf)] },
        );
      next.set(key, fCnt + 1);
    }
    for (const session of [sessions.current, sessions.pending]) {
      if (!session) continue;
      const added = downlinks.filter(({ sessionKeyId }) =>
        sameBytes(sessionKeyId, session.sessionKeyId),
      );
      const queued = store.downlinkQueue.count(device.row, session.sessionKeyId);
      if (added.length > 0 && queued + added.length > CAPACITY)
        throw queueFull({ device_uid: uid, max: CAPACITY });
    }
  };

  const append = (device: NetworkDevice, downlinks: readonly ApplicationDownlink[]): void => {
    check(device, downlinks);
    for (const downlink of downlinks)
      store.downlinkQueue.push(device.row, downlink.sessionKeyId, [downlink]);
  };

  return {
    async push(ref, downlinks) {
      const device = find(ref);
      await store.unit(() => append(device, downlinks));
      onQueued(device.row);
    },
    async replace(ref, downlinks) {
      const device = find(ref);
      await store.unit(() => {
        store.downlinkQueue.clear(device.row);
        append(device, downlinks);
      });
      onQueued(device.row);
    },
    list(ref) {
      const device = find(ref);
      const { current } = store.networkSessions.byDevice(device.row);
      const currentKey = current && formatHex(current.sessionKeyId);
      const all = store.downlinkQueue.list(device.row);
      const isCurrent = ({ sessionKeyId }: { sessionKeyId: Uint8Array }): boolean =>
        formatHex(sessionKeyId) === currentKey;
      return [...all.filter(isCurrent), ...all.filter((item) => !isCurrent(item))].map(
        ({ downlink }) => downlink,
      );
    },
    sessionKeyId(ref) {
      const { current, pending } = store.networkSessions.byDevice(find(ref).row);
      return (current ?? pending)?.sessionKeyId;
    },
  };
}
