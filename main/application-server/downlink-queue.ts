import { randomUUID } from 'node:crypto';
import { create, isMessage } from '@bufbuild/protobuf';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ConfirmedRetrySchema,
  ApplicationDownlinkSchema,
  type DownlinkQueueOperationErrorDetails,
  DownlinkQueueOperationErrorDetailsSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { GatehouseError } from '../base/errors.ts';
import { cryptFrmPayload, expandKey } from '../lorawan/index.ts';
import type { DeviceRef, DownlinkQueue, InvalidatedQueue } from '../seams/application-traffic.ts';
import type { ApplicationSession } from '../store/index.ts';
import {
  deviceUid,
  errorDetails,
  publishDownlink,
  publishLostDownlink,
  publishUp,
  type Up,
} from './application-messages.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';
import { decodedForDisplay } from './decode-downlink.ts';
import { decodedDownlink, encodedDownlink, sendable } from './device-formatters.ts';
import { applicationDeviceNotFound, dropError, noDeviceSession, retriesInvalid } from './errors.ts';
import { followCounters, skipsPayloadCrypto } from './payload-crypto.ts';
import { followNetwork, followSession } from './sessions.ts';

interface DeviceSessions {
  readonly current?: ApplicationSession;
  readonly pending?: ApplicationSession;
}

/** The application's view of a device's queue: payloads in the clear. */
export interface ApplicationQueue {
  /** Appends. Rejects, and then queues none, if an item cannot be encoded or the network server refuses. */
  push(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  /** The same in the place of everything queued; none at all empties the queue. */
  replace(device: DeviceRef, downlinks: readonly ApplicationDownlink[]): Promise<void>;
  /** Appends one downlink as it is, for another attempt. Never rejects: that it is lost is told as a failure. */
  pushAgain(device: DeviceRef, downlink: ApplicationDownlink): Promise<void>;
  /** What is queued for the session in use, or for the pending one if there is no other. */
  list(device: DeviceRef): readonly ApplicationDownlink[];
  /** The same with their decoded payloads. */
  listDecoded(device: DeviceRef): Promise<ApplicationDownlink[]>;
  /**
   * What the network server took out of its queue, encrypted anew with counters it can use. Runs inside the network
   * server's unit of work, in which the answer goes back into the queue.
   */
  queueInvalidated(queue: InvalidatedQueue): readonly ApplicationDownlink[];
  /** What was queued for the sessions that a device had, encrypted for a new one. Runs inside a unit of work. */
  moved(
    device: DeviceRef,
    before: DeviceSessions,
    session: ApplicationSession,
    items: readonly ApplicationDownlink[],
  ): readonly ApplicationDownlink[];
}

/** How often counters are corrected before a push is given up. */
const MAX_CORRECTIONS = 50;

/** Most attempts a client may ask for. */
const MAX_ATTEMPTS = 32;

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
    const sealed = create(ApplicationDownlinkSchema, {
      ...item,
      fCnt,
      sessionKeyId: session.sessionKeyId,
      frmPayload: cryptFrmPayload(key, devAddr, 'down', fCnt, item.frmPayload),
      decodedPayloadWarnings: [],
    });
    // What is encrypted must not lie beside it in the clear.
    delete sealed.decodedPayload;
    return sealed;
  });
}

/** What the network server says about its sessions when it refuses. */
function detailsOf(error: unknown): DownlinkQueueOperationErrorDetails | undefined {
  if (!(error instanceof GatehouseError)) return undefined;
  return error.details.find((one) => isMessage(one, DownlinkQueueOperationErrorDetailsSchema));
}

/** Hands an application what it has to encrypt anew itself. */
function publishInvalidated(
  { clock, events }: Pick<ApplicationServerOptions, 'clock' | 'events'>,
  { device, devAddr, correlationIds, downlinks, lastFCntDown, sessionKeyId }: InvalidatedQueue,
): void {
  const value = { downlinks: [...downlinks], lastFCntDown, sessionKeyId };
  publishUp(events, 'as.down.data.queue.invalidated.forward', {
    device,
    devAddr,
    receivedAtMs: clock.now(),
    correlationIds,
    up: { case: 'downlinkQueueInvalidated', value },
  });
}

/** Creates the application side of the downlink queue. */
export function createApplicationQueue(options: ApplicationServerOptions): ApplicationQueue {
  const { clock, events, findDevice, networkQueue, store } = options;

  const deviceOf = (ref: DeviceRef): ApplicationDeviceRow => {
    const device = findDevice(ref.applicationId, ref.deviceId);
    if (!device) throw applicationDeviceNotFound({ device_uid: deviceUid(ref) });
    return device;
  };
  const sessionsOf = (ref: DeviceRef, row: number): ApplicationSession[] => {
    const { current, pending } = store.applicationSessions.byDevice(row);
    const sessions = [current, pending].filter((session) => session?.appSKey !== undefined);
    if (sessions.length === 0) throw noDeviceSession({ device_uid: deviceUid(ref) });
    return sessions as ApplicationSession[];
  };

  const tell = (name: string, ref: DeviceRef, { correlationIds }: ApplicationDownlink, up: Up) =>
    publishUp(events, name, { device: ref, receivedAtMs: clock.now(), correlationIds, up });

  /** Tells whoever waits for them that these will not be sent. */
  const lost = (ref: DeviceRef, items: readonly ApplicationDownlink[], error: unknown): void => {
    for (const downlink of items) {
      const value = { downlink, error: errorDetails(error) };
      tell('as.down.data.failed.forward', ref, downlink, { case: 'downlinkFailed', value });
      publishLostDownlink(events, ref, downlink, error);
    }
  };

  const prepareOne = async (
    ref: DeviceRef,
    device: ApplicationDeviceRow,
    downlink: ApplicationDownlink,
  ): Promise<ApplicationDownlink> => {
    const { confirmed, confirmedRetry } = downlink;
    const limit = confirmedRetry?.maxAttempts;
    if ((limit ?? 0) > MAX_ATTEMPTS) throw retriesInvalid({ max: MAX_ATTEMPTS });
    const encoded = skipsPayloadCrypto(options, ref.applicationId, device)
      ? sendable(downlink)
      : await decodedForDisplay(
          options,
          ref,
          await encodedDownlink(options, ref, device.message, downlink),
        );
    return create(ApplicationDownlinkSchema, {
      ...encoded,
      correlationIds: [...encoded.correlationIds, `as:downlink:${randomUUID()}`],
      ...(confirmed && {
        confirmedRetry: create(ApplicationDownlink_ConfirmedRetrySchema, {
          attempt: confirmedRetry?.attempt || 1,
          ...(limit !== undefined && { maxAttempts: limit }),
        }),
      }),
    });
  };

  /** Takes counters, durably and before anything is sent under them, and encrypts. */
  const reserve = (
    ref: DeviceRef,
    row: number,
    items: readonly ApplicationDownlink[],
  ): Promise<ApplicationDownlink[]> =>
    store.unit(() => {
      const sealed: ApplicationDownlink[] = [];
      for (const session of sessionsOf(ref, row)) {
        const first = (session.lastAFCntDown ?? -1) + 1;
        sealed.push(...seal(items, session, first));
        store.applicationSessions.updateLastAFCntDown(session.id, first + items.length - 1);
      }
      return sealed;
    });

  /** Follows the network server, and answers whether trying `refused` again makes sense. */
  const reconcile = (
    ref: DeviceRef,
    row: number,
    refused: readonly ApplicationDownlink[],
    detail: DownlinkQueueOperationErrorDetails,
  ): Promise<boolean> =>
    store.unit(() => {
      followNetwork(options, ref, row, detail);
      const { current, pending } = store.applicationSessions.byDevice(row);
      const sessions = [current, pending].filter((session) => session?.appSKey !== undefined);
      const isOf = (item: ApplicationDownlink, session: ApplicationSession | undefined): boolean =>
        session !== undefined && sameBytes(item.sessionKeyId, session.sessionKeyId);
      const isLeft = refused.some((item) => !sessions.some((session) => isOf(item, session)));
      const isNew = sessions.some((session) => !refused.some((item) => isOf(item, session)));
      // Whoever queued at the same time may have taken higher counters already; then these are only tried again.
      const { sessionKeyId, minFCntDown, pendingSessionKeyId, pendingMinFCntDown } = detail;
      const isLow = refused.some(
        (item) =>
          (item.fCnt < minFCntDown && sameBytes(item.sessionKeyId, sessionKeyId)) ||
          (item.fCnt < pendingMinFCntDown && sameBytes(item.sessionKeyId, pendingSessionKeyId)),
      );
      return isLeft || isNew || isLow;
    });

  const send = async (
    ref: DeviceRef,
    device: ApplicationDeviceRow,
    items: readonly ApplicationDownlink[],
    put: DownlinkQueue['push'],
  ): Promise<void> => {
    if (skipsPayloadCrypto(options, ref.applicationId, device)) {
      await put(ref, items);
      await followCounters(options, device.row, items);
      for (const item of items) publishDownlink(events, 'as.down.data.forward', ref, item);
      return;
    }
    for (let corrections = 0; ; corrections += 1) {
      const sealed = items.length > 0 ? await reserve(ref, device.row, items) : [];
      try {
        await put(ref, sealed);
        for (const item of sealed) publishDownlink(events, 'as.down.data.forward', ref, item);
        return;
      } catch (error) {
        const detail = detailsOf(error);
        if (!detail || corrections >= MAX_CORRECTIONS) throw error;
        if (!(await reconcile(ref, device.row, sealed, detail))) throw error;
      }
    }
  };

  /**
   * Encrypts items of older sessions, or of the same one, for `to` with counters from `firstFCnt` on. Items whose key is
   * gone are dropped. Runs inside a unit.
   */
  const sealAgain = (
    ref: DeviceRef,
    { current, pending }: DeviceSessions,
    to: ApplicationSession,
    items: readonly ApplicationDownlink[],
    firstFCnt: number,
  ): readonly ApplicationDownlink[] => {
    const plain = items.flatMap((item) => {
      const owner = [current, pending].find(
        (one) => one?.appSKey && sameBytes(one.sessionKeyId, item.sessionKeyId),
      );
      if (owner) return [decodedDownlink(item, owner)];
      publishLostDownlink(events, ref, item, dropError('unknown_session', deviceUid(ref)));
      return [];
    });
    store.applicationSessions.updateLastAFCntDown(to.id, firstFCnt + plain.length - 1);
    const sealed = seal(plain, to, firstFCnt);
    for (const item of sealed) publishDownlink(events, 'as.down.data.forward', ref, item);
    return sealed;
  };

  const enqueue = async (
    ref: DeviceRef,
    downlinks: readonly ApplicationDownlink[],
    put: DownlinkQueue['push'],
  ): Promise<void> => {
    const device = deviceOf(ref);
    if (downlinks.length > 0 && !skipsPayloadCrypto(options, ref.applicationId, device))
      sessionsOf(ref, device.row);
    const prepared: ApplicationDownlink[] = [];
    for (const downlink of downlinks) prepared.push(await prepareOne(ref, device, downlink));
    for (const downlink of prepared) publishDownlink(events, 'as.down.data.receive', ref, downlink);
    try {
      await send(ref, device, prepared, put);
    } catch (error) {
      lost(ref, prepared, error);
      throw error;
    }
    for (const downlink of prepared)
      tell('as.down.data.queued.forward', ref, downlink, {
        case: 'downlinkQueued',
        value: downlink,
      });
  };

  const list = (ref: DeviceRef): readonly ApplicationDownlink[] => {
    const { current, pending } = store.applicationSessions.byDevice(deviceOf(ref).row);
    const known = [current, pending].filter((one) => one !== undefined);
    if (known.length === 0) return [];
    // The pending one may be in use already: the uplink that said so was stored, and then the program ended.
    const inUse = networkQueue.sessionKeyId(ref);
    const session = known.find((one) => inUse && sameBytes(one.sessionKeyId, inUse)) ?? known[0];
    if (!session) return [];
    return networkQueue
      .list(ref)
      .filter(({ sessionKeyId }) => sameBytes(sessionKeyId, session.sessionKeyId))
      .map((item) => decodedDownlink(item, session));
  };

  return {
    push: (ref, downlinks) => enqueue(ref, downlinks, networkQueue.push),
    replace: (ref, downlinks) => enqueue(ref, downlinks, networkQueue.replace),
    async pushAgain(ref, downlink) {
      try {
        await send(ref, deviceOf(ref), [downlink], networkQueue.push);
      } catch (error) {
        lost(ref, [downlink], error);
      }
    },
    list,
    async listDecoded(ref) {
      const decoded: ApplicationDownlink[] = [];
      const items = list(ref);
      if (skipsPayloadCrypto(options, ref.applicationId, deviceOf(ref))) return [...items];
      for (const item of items) decoded.push(await decodedForDisplay(options, ref, item));
      return decoded;
    },
    queueInvalidated(invalidated) {
      const { device: ref, sessionKeyId, lastFCntDown, downlinks } = invalidated;
      const device = findDevice(ref.applicationId, ref.deviceId);
      if (!device) return [];
      if (skipsPayloadCrypto(options, ref.applicationId, device)) {
        publishInvalidated(options, invalidated);
        return [];
      }
      const { devAddr } = invalidated;
      const session = followSession(options, ref, device, { sessionKeyId, devAddr });
      const sessions = store.applicationSessions.byDevice(device.row);
      // Counters above the network's last one were never on air, so they are given out again: leaving them out would
      // open a gap that grows with every frame of the network itself.
      return session ? sealAgain(ref, sessions, session, downlinks, lastFCntDown + 1) : [];
    },
    moved: (ref, before, session, items) =>
      sealAgain(ref, before, session, items, (session.lastAFCntDown ?? -1) + 1),
  };
}
