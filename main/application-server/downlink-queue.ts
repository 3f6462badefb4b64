import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { GatehouseError } from '../base/errors.ts';
import { cryptFrmPayload, expandKey } from '../lorawan/index.ts';
import type { DeviceRef, DownlinkQueue, InvalidatedQueue } from '../seams/application-traffic.ts';
import type { ApplicationSession } from '../store/index.ts';
import { publishUp } from './application-messages.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';
import { decodedDownlink, encodedDownlink } from './device-formatters.ts';
import { applicationDeviceNotFound, noDeviceSession, retriesInvalid } from './errors.ts';

/** The application's view of a device's queue: payloads in the clear. */
export interface ApplicationQueue {
  push(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  replace(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  list(device: DeviceRef): readonly ApplicationDownlink[];
  queueInvalidated(queue: InvalidatedQueue): void;
  /** After a join: what was queued for the old session is queued for the new one. */
  moveToSession(join: {
    readonly device: DeviceRef;
    readonly sessionKeyId: Uint8Array;
    readonly invalidatedDownlinks: readonly ApplicationDownlink[];
  }): void;
}

/** How often counters are corrected before a push is given up. */
const MAX_CORRECTIONS = 50;

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
  const { clock, events, findDevice, formatters, logger, networkQueue, store } = options;

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

  /** Takes counters, durably and before anything is sent under them, and encrypts. */
  const reserve = (
    ref: DeviceRef,
    row: number,
    items: readonly ApplicationDownlink[],
    only?: Uint8Array,
  ): Promise<ApplicationDownlink[]> =>
    store.unit(() => {
      const sealed: ApplicationDownlink[] = [];
      for (const session of sessionsOf(ref, row)) {
        if (only && !sameBytes(session.sessionKeyId, only)) continue;
        const first = (session.lastAFCntDown ?? -1) + 1;
        sealed.push(...seal(items, session, first));
        store.applicationSessions.updateLastAFCntDown(session.id, first + items.length - 1);
      }
      return sealed;
    });

  /** Sets the counters to what the network server says it takes next. */
  const correct = (ref: DeviceRef, row: number, minimum: number): Promise<void> =>
    store.unit(() => {
      for (const session of sessionsOf(ref, row)) {
        if ((session.lastAFCntDown ?? -1) + 1 < minimum) {
          store.applicationSessions.updateLastAFCntDown(session.id, minimum - 1);
        }
      }
    });

  const send = async (
    ref: DeviceRef,
    device: ApplicationDeviceRow,
    items: readonly ApplicationDownlink[],
    put: DownlinkQueue['push'],
    only?: Uint8Array,
  ): Promise<void> => {
    for (let corrections = 0; ; corrections += 1) {
      const sealed = items.length > 0 ? await reserve(ref, device.row, items, only) : [];
      try {
        await put(ref, sealed);
        return;
      } catch (error) {
        const minimum =
          error instanceof GatehouseError ? Number(error.attributes.min_f_cnt_down) : Number.NaN;
        if (Number.isNaN(minimum) || corrections >= MAX_CORRECTIONS) throw error;
        await correct(ref, device.row, minimum);
      }
    }
  };

  /** Queues items again that were encrypted for `oldKeyId`. Failures are logged: nobody waits for an answer. */
  const again = async (
    ref: DeviceRef,
    oldKeyId: Uint8Array | undefined,
    newKeyId: Uint8Array,
    items: readonly ApplicationDownlink[],
  ): Promise<void> => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    if (!device || items.length === 0) return;
    const { current, pending } = store.applicationSessions.byDevice(device.row);
    const old = [current, pending].find(
      (one) => one && oldKeyId && sameBytes(one.sessionKeyId, oldKeyId),
    );
    if (!old) return;
    const plain = items.map((item) => decodedDownlink(item, old));
    await send(ref, device, plain, networkQueue.push, newKeyId);
  };
  const inBackground = (ref: DeviceRef, work: Promise<void>): void => {
    work.catch((error: unknown) => {
      logger.warn({ error, device: ref.deviceId }, 'Queued downlinks could not be queued again.');
    });
  };

  const enqueue = async (
    ref: DeviceRef,
    downlinks: readonly ApplicationDownlink[],
    put: DownlinkQueue['push'],
  ): Promise<void> => {
    const device = deviceOf(ref);
    if (downlinks.length > 0) sessionsOf(ref, device.row);
    const prepared = await prepare(ref, device, downlinks);
    await send(ref, device, prepared, put);
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
      const device = findDevice(ref.applicationId, ref.deviceId);
      if (!device) return;
      inBackground(
        ref,
        correct(ref, device.row, lastFCntDown + 1).then(() =>
          again(ref, sessionKeyId, sessionKeyId, downlinks),
        ),
      );
    },
    moveToSession({ device: ref, sessionKeyId, invalidatedDownlinks }) {
      inBackground(
        ref,
        again(ref, invalidatedDownlinks[0]?.sessionKeyId, sessionKeyId, invalidatedDownlinks),
      );
    },
  };
}
