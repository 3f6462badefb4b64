import { clone, create, equals, fromBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { copyMessage } from './copy-message.ts';

const device = create(EndDeviceSchema, {
  ids: { deviceId: 'door-7', applicationIds: { applicationId: 'shop' }, devEui: Uint8Array.of(1) },
  attributes: { floor: 'first' },
  locations: { user: { latitude: 1.5 } },
  createdAt: timestampFromMs(5),
  batteryPercentage: 0.5,
  provisioningData: { list: [1, { deep: null }] },
  usedDevNonces: [1, 2],
  macSettings: {
    rx2Frequency: { value: 869_525_000n },
    adr: { mode: { case: 'dynamic', value: { margin: 12 } } },
    factoryPresetFrequencies: [868_100_000n],
  },
});

test('a copy is equal to what the protobuf library makes, of built and of read messages', () => {
  // An unknown field of type bytes, number 3000.
  const unknown = Uint8Array.of(0xc2, 0xbb, 0x01, 0x02, 7, 8);
  const read = fromBinary(EndDeviceSchema, unknown);
  for (const message of [device, create(EndDeviceSchema), read]) {
    const copy = copyMessage(message);
    expect(copy).toEqual(clone(EndDeviceSchema, message));
    expect(equals(EndDeviceSchema, copy, message)).toBe(true);
  }
});

test('nothing of a copy is shared', () => {
  const copy = copyMessage(device);
  copy.ids?.devEui.fill(9);
  copy.usedDevNonces.push(3);
  copy.attributes.floor = 'second';
  if (copy.macSettings?.adr?.mode.case === 'dynamic') copy.macSettings.adr.mode.value.margin = 0;
  expect(device.ids?.devEui).toEqual(Uint8Array.of(1));
  expect(device.usedDevNonces).toEqual([1, 2]);
  expect(device.attributes.floor).toBe('first');
  expect(device.macSettings?.adr?.mode).toMatchObject({ value: { margin: 12 } });
});
