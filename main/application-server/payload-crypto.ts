import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import type { ApplicationDeviceRow, ApplicationServerOptions } from './application-server.ts';

/**
 * Whether the payloads of a device pass through encrypted: it has a session, this server knows the AppSKey of none, and
 * the device or else its application wants it so. Encoding, counters and queues are then the application's job.
 */
export function skipsPayloadCrypto(
  { linkOf, store }: Pick<ApplicationServerOptions, 'linkOf' | 'store'>,
  applicationId: string,
  { row, message }: ApplicationDeviceRow,
): boolean {
  const { current, pending } = store.applicationSessions.byDevice(row);
  if (!(current ?? pending) || current?.appSKey || pending?.appSKey) return false;
  return message.skipPayloadCryptoOverride ?? linkOf(applicationId)?.skipPayloadCrypto ?? false;
}

/** Keeps the counters up to which an application that encrypts by itself has queued downlinks; its uplinks tell it. */
export function followCounters(
  { store }: Pick<ApplicationServerOptions, 'store'>,
  deviceRow: number,
  items: readonly ApplicationDownlink[],
): Promise<void> {
  return store.unit(() => {
    const { current, pending } = store.applicationSessions.byDevice(deviceRow);
    for (const session of [current, pending]) {
      const counters = items
        .filter(({ sessionKeyId }) => session && sameBytes(sessionKeyId, session.sessionKeyId))
        .map(({ fCnt }) => fCnt);
      if (session && counters.length > 0)
        store.applicationSessions.updateLastAFCntDown(session.id, Math.max(...counters));
    }
  });
}
