import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { Direction, FrameSchema } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { lastSeenByDevice, searchQuery } from './device-list.ts';

it('asks for what was typed, and for the digits of bytes in any notation', () => {
  for (const typed of ['0004A30B', '00:04:A3:0B', '00-04-a3-0b', '00 04 A3 0B ', '00.04.a3.0b'])
    expect(searchQuery(typed).toUpperCase(), typed).toBe('0004A30B');
  for (const typed of ['door-01', 'a b', 'meter 12', '00:4:A3', '-'])
    expect(searchQuery(typed)).toBe(typed);
  expect(searchQuery('  ')).toBe('');
  expect(searchQuery('x'.repeat(60))).toHaveLength(50);
});

it('takes the newest uplink as last seen and ignores downlinks', () => {
  const ids = { deviceId: 'door-1', applicationIds: { applicationId: 'lab' } };
  const seen = lastSeenByDevice([
    create(FrameSchema, { endDeviceIds: ids, time: { seconds: 5n }, direction: Direction.UPLINK }),
    create(FrameSchema, {
      endDeviceIds: ids,
      time: { seconds: 9n },
      direction: Direction.DOWNLINK,
    }),
  ]);
  expect(seen.get('lab/door-1')).toBe(5000);
});
