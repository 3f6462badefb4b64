import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { FrameSchema } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { droppedFrames, joinOlder, visibleFrames, waitingCount } from './frame-list.ts';

function frame(id: number, deviceId: string, extra: object = {}) {
  return create(FrameSchema, {
    id: BigInt(id),
    endDeviceIds: { deviceId, applicationIds: { applicationId: 'lab' } },
    ...extra,
  });
}

function ids(frames: readonly { readonly id: bigint }[]): number[] {
  return frames.map(({ id }) => Number(id));
}

const RING = [
  frame(5, 'door', { devAddr: Uint8Array.from([0x02, 0xab, 0x12, 0x34]) }),
  frame(6, 'lamp', { verdict: { cause: 'mic_mismatch' } }),
  frame(7, 'door', { fType: 'JOIN_REQUEST' }),
];

it('shows newest first, by scope and by any text of a frame', () => {
  expect(ids(visibleFrames(RING, '', undefined))).toEqual([7, 6, 5]);
  expect(ids(visibleFrames(RING, '', { applicationId: 'lab', deviceId: 'door' }))).toEqual([7, 5]);
  expect(ids(visibleFrames(RING, '02ab', undefined))).toEqual([5]);
  expect(ids(visibleFrames(RING, ' MIC_ ', undefined))).toEqual([6]);
  expect(ids(visibleFrames(RING, 'join request', undefined))).toEqual([7]);
});

it('continues below the ring without showing a frame twice', () => {
  const older = [frame(6, 'lamp'), frame(4, 'door'), frame(3, 'door')];
  expect(ids(joinOlder(visibleFrames(RING, '', undefined), RING, older))).toEqual([7, 6, 5, 4, 3]);
  expect(ids(joinOlder([], [], older))).toEqual([6, 4, 3]);
});

it('counts what waits behind a paused view', () => {
  expect(waitingCount(RING, 5n, '', undefined)).toBe(2);
  expect(waitingCount(RING, 5n, 'lamp', undefined)).toBe(1);
  expect(waitingCount(RING, 7n, '', undefined)).toBe(0);
});

it('knows what fell out of the ring', () => {
  const later = [...RING.slice(2), frame(8, 'door')];
  expect(ids(droppedFrames(RING, later))).toEqual([5, 6]);
  expect(droppedFrames(RING, RING)).toEqual([]);
  expect(droppedFrames(later, [frame(3, 'door'), ...RING])).toEqual([]);
});
