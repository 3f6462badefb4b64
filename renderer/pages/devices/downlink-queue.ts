import { clone } from '@bufbuild/protobuf';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
} from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { bytesEqual, toHex } from '../../formats/bytes.ts';

/** Ids the application server gives to each downlink it takes. */
const SERVER_ID = /^[agn]s:/;

/** What names an item of the queue: its session and the counter that was reserved for it. */
export function queueKey(item: ApplicationDownlink): string {
  return `${toHex(item.sessionKeyId)}/${item.fCnt}`;
}

/** Items of the running session; while a join is pending, the same downlinks wait for the new session too. */
export function ownItems(queue: readonly ApplicationDownlink[]): readonly ApplicationDownlink[] {
  const session = queue[0]?.sessionKeyId;
  if (session === undefined) return [];
  return queue.filter(({ sessionKeyId }) => bytesEqual(sessionKeyId, session));
}

/** An item as a client queues it: session, counter and ids are the server's to give. */
export function asQueued(item: ApplicationDownlink): ApplicationDownlink {
  const plain = clone(ApplicationDownlinkSchema, item);
  plain.sessionKeyId = new Uint8Array();
  plain.fCnt = 0;
  plain.correlationIds = plain.correlationIds.filter((id) => !SERVER_ID.test(id));
  return plain;
}

/** The queue without one item, ready to replace it. Undefined if the item is gone already. */
export function queueWithout(
  queue: readonly ApplicationDownlink[],
  key: string,
): readonly ApplicationDownlink[] | undefined {
  const items = ownItems(queue);
  const rest = items.filter((item) => queueKey(item) !== key);
  return rest.length === items.length ? undefined : rest.map(asQueued);
}

/** The queue with items put back where they were, as far as it still reaches there. */
export function queueWith(
  queue: readonly ApplicationDownlink[],
  items: readonly ApplicationDownlink[],
  position: number,
): readonly ApplicationDownlink[] {
  const present = ownItems(queue);
  return [...present.slice(0, position), ...items, ...present.slice(position)].map(asQueued);
}
