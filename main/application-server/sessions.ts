import type { DownlinkQueueOperationErrorDetails } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { type DevAddr, devAddrFromBytes } from '../lorawan/index.ts';
import type { DeviceRef } from '../seams/application-traffic.ts';
import type { ApplicationSession, SessionKind } from '../store/index.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';

type Options = Pick<ApplicationServerOptions, 'clock' | 'findAppSKey' | 'store'>;

/** A session as the network server names it. */
export interface SessionName {
  readonly sessionKeyId: Uint8Array;
  readonly devAddr: DevAddr;
}

const isNamed = (session: ApplicationSession | undefined, keyId: Uint8Array): boolean =>
  session !== undefined && sameBytes(session.sessionKeyId, keyId);

/** AppSKey of a session this server does not know, as the join server has it. */
export function appSKeyOf(
  { findAppSKey }: Pick<Options, 'findAppSKey'>,
  { joinEui, devEui }: Pick<DeviceRef, 'joinEui' | 'devEui'>,
  sessionKeyId: Uint8Array,
): Uint8Array | undefined {
  if (!joinEui || !devEui || sessionKeyId.length === 0) return undefined;
  return findAppSKey(joinEui, devEui, sessionKeyId);
}

/** Stores a session with the key the join server has; undefined if it has none. Runs inside a unit. */
function fetchSession(
  options: Options,
  ref: Pick<DeviceRef, 'joinEui' | 'devEui'>,
  deviceRow: number,
  kind: SessionKind,
  { sessionKeyId, devAddr }: SessionName,
): ApplicationSession | undefined {
  const appSKey = appSKeyOf(options, ref, sessionKeyId);
  if (!appSKey) return undefined;
  return options.store.applicationSessions.put({
    deviceRow,
    kind,
    devAddr,
    sessionKeyId,
    appSKey,
    lastAFCntDown: 0,
    startedAtMs: options.clock.now(),
  });
}

/**
 * The session the network uses, as the current one: it is that already, or the pending one becomes it, or it is made anew
 * with the key the join server has, as after a registration that was deleted and made again. Runs inside a unit.
 */
export function followSession(
  options: Options,
  ref: Pick<DeviceRef, 'joinEui' | 'devEui'>,
  { row }: Pick<ApplicationDeviceRow, 'row'>,
  name: SessionName,
): ApplicationSession | undefined {
  const table = options.store.applicationSessions;
  const { current, pending } = table.byDevice(row);
  if (current && isNamed(current, name.sessionKeyId)) return current;
  if (pending && isNamed(pending, name.sessionKeyId)) {
    table.promotePending(row);
    return table.byDevice(row).current;
  }
  const fetched = fetchSession(options, ref, row, 'current', name);
  if (fetched && pending) table.delete(pending.id);
  return fetched;
}

/** Next counter the network server takes for a session, if it knows the session. */
function minimumFor(
  detail: DownlinkQueueOperationErrorDetails,
  { sessionKeyId }: ApplicationSession,
): number | undefined {
  if (detail.devAddr.length > 0 && sameBytes(sessionKeyId, detail.sessionKeyId))
    return detail.minFCntDown;
  if (detail.pendingDevAddr.length > 0 && sameBytes(sessionKeyId, detail.pendingSessionKeyId))
    return detail.pendingMinFCntDown;
  return undefined;
}

/** Makes the pending session the one that the network server says, or none. */
function followPending(
  options: Options,
  ref: DeviceRef,
  row: number,
  { pendingDevAddr, pendingSessionKeyId: sessionKeyId }: DownlinkQueueOperationErrorDetails,
): void {
  const table = options.store.applicationSessions;
  const { current, pending } = table.byDevice(row);
  if (pendingDevAddr.length === 0) {
    if (pending) table.delete(pending.id);
    return;
  }
  if (isNamed(pending, sessionKeyId) || isNamed(current, sessionKeyId)) return;
  const devAddr = devAddrFromBytes(pendingDevAddr);
  fetchSession(options, ref, row, 'pending', { sessionKeyId, devAddr });
}

/**
 * Follows what the network server says about its sessions when it refuses downlinks: the pending one may be in use there
 * already, a session may be gone or another one, and counters may have gone on. Runs inside a unit.
 */
export function followNetwork(
  options: Options,
  ref: DeviceRef,
  row: number,
  detail: DownlinkQueueOperationErrorDetails,
): void {
  const table = options.store.applicationSessions;
  if (detail.devAddr.length > 0) {
    const devAddr = devAddrFromBytes(detail.devAddr);
    followSession(options, ref, { row }, { sessionKeyId: detail.sessionKeyId, devAddr });
  } else {
    const { current } = table.byDevice(row);
    if (current && !isNamed(current, detail.pendingSessionKeyId)) table.delete(current.id);
  }
  followPending(options, ref, row, detail);
  const { current, pending } = table.byDevice(row);
  for (const session of [current, pending]) {
    const minimum = session && minimumFor(detail, session);
    if (session && minimum !== undefined && (session.lastAFCntDown ?? -1) + 1 < minimum)
      table.updateLastAFCntDown(session.id, minimum - 1);
  }
}
