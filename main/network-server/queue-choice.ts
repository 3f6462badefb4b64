import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import type { CauseCode } from '../base/causes.ts';
import type { QueuedDownlink } from '../store/index.ts';
import { type LiveSession, lastApplicationCounter } from './session-cache.ts';

/** A queued downlink that can never be sent. */
export interface FailedDownlink {
  readonly downlink: ApplicationDownlink;
  readonly cause: CauseCode;
}

/** What a downlink takes from the queue. */
export interface QueueChoice {
  /** To be sent now; it stays in the queue until a gateway took it. */
  readonly item?: QueuedDownlink;
  readonly hasMore: boolean;
  readonly failed: readonly FailedDownlink[];
  /** Entries whose counters are used up, e.g. for frames of the network itself. */
  readonly invalidated: readonly QueuedDownlink[];
  /** Entries that leave the queue now. */
  readonly remove: readonly QueuedDownlink[];
}

/**
 * The first queued downlink of the session that can be sent.
 *
 * @param queue of the device
 * @param pendingKeyId id of the key of the pending session, if there is one
 * @param room bytes of payload next to the MAC commands, undefined if these need the frame for themselves; and without
 */
export function chooseFromQueue(
  session: LiveSession,
  queue: readonly QueuedDownlink[],
  pendingKeyId: () => Uint8Array | undefined,
  room: { readonly beside: number | undefined; readonly alone: number },
  nowMs: number,
): QueueChoice {
  const failed: FailedDownlink[] = [];
  const remove: QueuedDownlink[] = [];
  const lastCounter = lastApplicationCounter(session);
  const isOf = ({ sessionKeyId }: QueuedDownlink, key: Uint8Array | undefined): boolean =>
    key !== undefined && sameBytes(sessionKeyId, key);
  const own = queue.filter((entry) => isOf(entry, session.sessionKeyId));
  const foreign = queue.filter((entry) => !isOf(entry, session.sessionKeyId));
  // Entries of the pending session wait for it; nobody can read those of one that is gone.
  const pendingKey = foreign.length > 0 ? pendingKeyId() : undefined;
  for (const entry of foreign) {
    if (isOf(entry, pendingKey)) continue;
    failed.push({ downlink: entry.downlink, cause: 'unknown_session' });
    remove.push(entry);
  }
  for (const [index, entry] of own.entries()) {
    const { downlink } = entry;
    if (lastCounter !== undefined && downlink.fCnt <= lastCounter) {
      const invalidated = own.slice(index);
      return { hasMore: false, failed, invalidated, remove: [...remove, ...invalidated] };
    }
    const { length } = downlink.frmPayload;
    const stays = { hasMore: true, failed, remove, invalidated: [] };
    const { classBC } = downlink;
    const isExpired = classBC?.absoluteTime && timestampMs(classBC.absoluteTime) <= nowMs;
    if (isExpired) {
      failed.push({ downlink, cause: 'expired_downlink' });
      remove.push(entry);
      continue;
    }
    // Meant for gateways or a time of its own; the order of the queue is kept.
    if (classBC) return stays;
    if (room.beside !== undefined && length <= room.beside)
      return { ...stays, item: entry, hasMore: index + 1 < own.length };
    if (length <= room.alone) return stays;
    failed.push({ downlink, cause: 'application_downlink_too_long' });
    remove.push(entry);
  }
  return { hasMore: false, failed, remove, invalidated: [] };
}
