import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { ABP_KEYS, uplink } from '../network-server/testing/frames.ts';
import { abpDevice, type HandGateway, handGateway } from '../network-server/testing/lab.ts';
import {
  type ApplicationLab,
  createApplicationLab,
  eventually,
} from './testing/application-lab.ts';

const USER = { latitude: 48.1, longitude: 11.5, source: LocationSource.SOURCE_REGISTRY };

let near: HandGateway;
let network: ApplicationLab;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
});
afterEach(() => network.close());

const register = (upFormatter = PayloadFormatter.FORMATTER_NONE) =>
  network.lab.registry.registerEverywhere(
    abpDevice({
      formatters: {
        upFormatter,
        upFormatterParameter:
          'function decodeUplink({ bytes }) { return { data: { lat: bytes[0], lon: bytes[1] } }; }',
      },
      locations: { user: USER },
      versionIds: { brandId: 'acme', modelId: 'door' },
    }),
  );
/** The message of the uplink with this counter and payload. */
async function message(fCnt: number, payload: string) {
  near.hear(uplink(ABP_KEYS, fCnt, { payload }), { timestampUs: fCnt * 9_000_000 });
  return eventually(async () => {
    await network.lab.clock.advance(1_000);
    const found = network.lab.dataOf('as.up.data.forward')[fCnt];
    if (!found) throw new Error('no uplink yet');
    return found;
  });
}
const stored = () => network.lab.registry.identityDeviceByIds('shop', 'door-7')?.message.locations;

test('an uplink comes with the locations and the version of its device', async () => {
  await register();
  const data = { up: { value: { locations: { user: USER }, versionIds: { modelId: 'door' } } } };
  expect(await message(0, 'AB')).toMatchObject(data);
  const device = abpDevice();
  const moved = { ...USER, latitude: 49 };
  await network.lab.registry.identity.update(
    create(EndDeviceSchema, { ...(device.ids && { ids: device.ids }), locations: { user: moved } }),
    ['locations'],
  );
  expect(await message(1, 'AB')).toMatchObject({ up: { value: { locations: { user: moved } } } });
  expect(network.lab.dataOf('as.up.location.forward')).toEqual([]);
});

test('a location in the payload is told with each uplink and kept with the device when it changes', async () => {
  await register(PayloadFormatter.FORMATTER_JAVASCRIPT);
  const place = { latitude: 65, longitude: 66, source: LocationSource.SOURCE_GPS };
  expect(await message(0, 'AB')).toMatchObject({
    up: { value: { locations: { user: USER, 'frm-payload': place } } },
  });
  expect(network.lab.dataOf('as.up.location.forward')).toMatchObject([
    { up: { case: 'locationSolved', value: { service: 'frm-payload', location: place } } },
  ]);
  await eventually(async () => {
    await network.lab.clock.advance(10);
    expect(stored()).toMatchObject({ user: USER, 'frm-payload': place });
  });
  const updates = () => network.lab.published.filter((name) => name === 'end_device.update').length;
  const before = updates();
  await message(1, 'AB');
  expect(updates()).toBe(before);
  await message(2, 'AC');
  await eventually(async () => {
    await network.lab.clock.advance(10);
    expect(stored()).toMatchObject({ user: USER, 'frm-payload': { latitude: 65, longitude: 67 } });
  });
  expect(updates()).toBe(before + 1);
});
