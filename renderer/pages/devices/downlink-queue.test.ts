import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { ApplicationDownlinkSchema } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { ownItems, queueKey, queueWith, queueWithout } from './downlink-queue.ts';

const item = (fCnt: number, session = 1) =>
  create(ApplicationDownlinkSchema, {
    fCnt,
    fPort: 10 + fCnt,
    sessionKeyId: Uint8Array.from([session]),
    frmPayload: Uint8Array.from([fCnt]),
    confirmed: fCnt === 2,
    correlationIds: ['mine', 'as:downlink:1234'],
  });
const QUEUE = [item(1), item(2), item(3)];
const ports = (items: readonly { readonly fPort: number }[] | undefined) =>
  items?.map(({ fPort }) => fPort);

it('takes one item out and leaves the others as they were', () => {
  const rest = queueWithout(QUEUE, queueKey(item(2)));
  expect(ports(rest)).toEqual([11, 13]);
  expect(rest?.[0]).toMatchObject({ correlationIds: ['mine'], fCnt: 0 });
  expect(rest?.[0]?.sessionKeyId).toHaveLength(0);
  expect(rest?.[0]?.frmPayload).toEqual(Uint8Array.from([1]));
});

it('says when the item was sent meanwhile', () => {
  expect(queueWithout(QUEUE, queueKey(item(9)))).toBeUndefined();
});

it('puts an item back in its place, or at the end of a shorter queue', () => {
  expect(ports(queueWith([item(1), item(3)], [item(2)], 1))).toEqual([11, 12, 13]);
  expect(ports(queueWith([], [item(2)], 1))).toEqual([12]);
});

it('does not queue twice what waits for a pending session too', () => {
  const both = [...QUEUE, item(1, 2), item(2, 2), item(3, 2)];
  expect(ports(ownItems(both))).toEqual([11, 12, 13]);
  expect(ports(queueWithout(both, queueKey(item(1))))).toEqual([12, 13]);
});
