import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { cryptFrmPayload, expandKey } from '../lorawan/index.ts';
import type { ApplicationSession } from '../store/index.ts';
import { type DeviceRef, publishUp } from './application-messages.ts';
import type {
  ApplicationDeviceRow,
  ApplicationServerOptions,
  InvalidatedQueue,
} from './application-server.ts';
import { decodedDownlink, encodedDownlink } from './device-formatters.ts';
import { applicationDeviceNotFound, noDeviceSession, retriesInvalid } from './errors.ts';

/** The network server's side of the queue. Calls belong inside a unit of work and may throw its errors. */
export interface NetworkQueue {
  /** Lowest counter the network takes next for the session; undefined if it does not know the session. */
  minimumFCnt(device: DeviceRef, sessionKeyId: Uint8Array): number | undefined;
  /** Adds encrypted items behind the queue; their counters rise. */
  push(device: DeviceRef, items: readonly ApplicationDownlink[]): void;
  replace(device: DeviceRef, items: readonly ApplicationDownlink[]): void;
  /** Items of the current session, or of the pending one if there is no current. */
  list(device: DeviceRef): readonly ApplicationDownlink[];
}

/** The application's view of a device's queue: payloads in the clear. */
export interface ApplicationQueue {
  push(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  replace(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  list(device: DeviceRef): readonly ApplicationDownlink[];
  queueInvalidated(queue: InvalidatedQueue): void;
}

/** Most attempts a client may ask for. */
const MAX_ATTEMPTS = 32;

const uid = ({ applicationId, deviceId }: DeviceRef): string => `${applicationId}.${deviceId}`;

/** Gives items the counters from `firstFCnt` on and encrypts them. */
function seal(
  items: readonly ApplicationDownlink[],
  session: ApplicationSession,
  firstFCnt: number,
): ApplicationDownlink[] {
  const { appSKey, devAddr } = session;
  if (!appSKey || !devAddr) return [];
  const key = expandKey(appSKey);
  return items.map((item, index) => {
    const fCnt = firstFCnt + index;
    return create(ApplicationDownlinkSchema, {
      ...item,
      fCnt,
      sessionKeyId: session.sessionKeyId,
      frmPayload: cryptFrmPayload(key, devAddr, 'down', fCnt, item.frmPayload),
    });
  });
}

/** Creates the application side of the downlink queue. */
export function createApplicationQueue(options: ApplicationServerOptions): ApplicationQueue {
  const { clock, events, findDevice, formatters, networkQueue, store } = options;

  const deviceOf = (ref: DeviceRef): ApplicationDeviceRow => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    if (!device) throw applicationDeviceNotFound({ device_uid: uid(ref) });
    return device;
  };
  const sessionsOf = (ref: DeviceRef, row: number): ApplicationSession[] => {
    const { current, pending } = store.applicationSessions.byDevice(row);
    const sessions = [current, pending].filter((session) => session?.appSKey !== undefined);
    if (sessions.length === 0) throw noDeviceSession({ device_uid: uid(ref) });
    return sessions as ApplicationSession[];
  };

  const prepare = async (
    ref: DeviceRef,
    device: ApplicationDeviceRow,
    downlinks: readonly ApplicationDownlink[],
  ): Promise<ApplicationDownlink[]> => {
    const prepared: ApplicationDownlink[] = [];
    for (const downlink of downlinks) {
      if ((downlink.confirmedRetry?.maxAttempts ?? 0) > MAX_ATTEMPTS) {
        throw retriesInvalid({ max: MAX_ATTEMPTS });
      }
      const encoded = await encodedDownlink(
        formatters,
        ref.applicationId,
        device.message,
        downlink,
      );
      prepared.push(
        create(ApplicationDownlinkSchema, {
          ...encoded,
          correlationIds: [...encoded.correlationIds, `as:downlink:${randomUUID()}`],
        }),
      );
    }
    return prepared;
  };

  const enqueue = async (
    ref: DeviceRef,
    downlinks: readonly ApplicationDownlink[],
    put: NetworkQueue['push'],
  ): Promise<void> => {
    const device = deviceOf(ref);
    if (downlinks.length > 0) sessionsOf(ref, device.row);
    const prepared = await prepare(ref, device, downlinks);
    await store.unit(() => {
      const sealed: ApplicationDownlink[] = [];
      for (const session of prepared.length > 0 ? sessionsOf(ref, device.row) : []) {
        const minimum = networkQueue.minimumFCnt(ref, session.sessionKeyId);
        if (minimum === undefined) continue;
        const first = Math.max(minimum, session.lastAFCntDown ? session.lastAFCntDown + 1 : 0);
        sealed.push(...seal(prepared, session, first));
        store.applicationSessions.updateLastAFCntDown(session.id, first + prepared.length - 1);
      }
      if (prepared.length > 0 && sealed.length === 0)
        throw noDeviceSession({ device_uid: uid(ref) });
      put(ref, sealed);
    });
    for (const downlink of prepared) {
      publishUp(events, 'as.down.data.queued.forward', {
        device: ref,
        receivedAtMs: clock.now(),
        correlationIds: downlink.correlationIds,
        up: { case: 'downlinkQueued', value: downlink },
      });
    }
  };

  return {
    push: (ref, downlinks) => enqueue(ref, downlinks, networkQueue.push),
    replace: (ref, downlinks) => enqueue(ref, downlinks, networkQueue.replace),
    list(ref) {
      const { current, pending } = store.applicationSessions.byDevice(deviceOf(ref).row);
      const session = current ?? pending;
      if (!session) return [];
      return networkQueue.list(ref).map((item) => decodedDownlink(item, session));
    },
    queueInvalidated({ device: ref, sessionKeyId, lastFCntDown, downlinks }) {
      const device = deviceOf(ref);
      const { current, pending } = store.applicationSessions.byDevice(device.row);
      const session = [current, pending].find(
        (one) => one && Buffer.compare(one.sessionKeyId, sessionKeyId) === 0,
      );
      if (!session) return;
      const plain = downlinks.map((item) => decodedDownlink(item, session));
      const sealed = seal(plain, session, lastFCntDown + 1);
      store.applicationSessions.updateLastAFCntDown(session.id, lastFCntDown + sealed.length);
      networkQueue.push(ref, sealed);
    },
  };
}
