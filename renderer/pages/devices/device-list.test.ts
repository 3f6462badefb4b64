import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { Direction, FrameSchema } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import { EndDeviceSchema } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { deviceMatches, lastSeenByDevice } from './device-list.ts';

const DEVICE = create(EndDeviceSchema, {
  name: 'Front door',
  ids: {
    deviceId: 'door-1',
    devEui: Uint8Array.from([0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0, 0x12, 0x34]),
  },
});

it('finds a device by id, name or EUI in any notation', () => {
  for (const search of ['door-1', 'FRONT', '70b3d57e', '70:B3:D5', 'd0001234', ' ']) {
    expect(deviceMatches(DEVICE, search), search).toBe(true);
  }
  for (const search of ['window', '70B3D6', '-']) {
    expect(deviceMatches(DEVICE, search), search).toBe(search === '-');
  }
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
