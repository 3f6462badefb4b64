import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import { GatewaySchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { ABP_KEYS, uplink } from './testing/frames.ts';
import { abpDevice, createLab, type HandGateway, handGateway, type Lab } from './testing/lab.ts';

const GATEWAY_ID = 'eui-aa555a0000000001';
/** The registration of a gateway is read again after so long. */
const REREAD_MS = 5_000;
let lab: Lab;
let gateway: HandGateway;
beforeEach(async () => {
  gateway = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [gateway] });
  await lab.registry.registerEverywhere(abpDevice());
});
afterEach(() => lab.close());

async function metadataOf(fCnt: number, antennaIndex = 0, gpsTimeMs?: number) {
  gateway.hear(uplink(ABP_KEYS, fCnt), {
    antenna: { antennaIndex },
    ...(gpsTimeMs !== undefined && { gpsTimeMs }),
  });
  await lab.clock.advance(REREAD_MS);
  return lab.application.uplinks.at(-1)?.rxMetadata()[0];
}
async function change(
  init: Exclude<MessageInitShape<typeof GatewaySchema>, { $typeName: string }>,
  paths: string[],
): Promise<void> {
  const message = create(GatewaySchema, { ids: { gatewayId: GATEWAY_ID }, ...init });
  const changed = lab.registry.gateways.update(message, paths);
  await lab.clock.advance(REREAD_MS);
  await changed;
}

test('the place of the antenna that heard goes with the frame, if the gateway makes it public', async () => {
  await metadataOf(0);
  const location = {
    latitude: 47.5,
    longitude: 8.25,
    altitude: 408,
    source: LocationSource.SOURCE_REGISTRY,
  };
  await change({ antennas: [{}, { location }] }, ['antennas']);
  expect((await metadataOf(1, 1))?.location).toBeUndefined();
  await change({ locationPublic: true }, ['location_public']);
  expect((await metadataOf(2, 1))?.location).toMatchObject(location);
  expect((await metadataOf(3, 0))?.location).toBeUndefined();
});

test('a constraint on downlinks goes with the frame', async () => {
  expect((await metadataOf(0))?.downlinkPathConstraint).toBe(DownlinkPathConstraint.NONE);
  const { PREFER_OTHER } = DownlinkPathConstraint;
  await change({ downlinkPathConstraint: PREFER_OTHER }, ['downlink_path_constraint']);
  expect((await metadataOf(1))?.downlinkPathConstraint).toBe(PREFER_OTHER);
});

test('GPS time is the time of a reception, without its leap seconds', async () => {
  const gpsTimeMs = 1_451_260_818_000;
  const metadata = await metadataOf(0, 0, gpsTimeMs);
  // 18 leap seconds ahead of 2026-01-01 00:00 UTC.
  const expected = Date.UTC(2026, 0, 1);
  expect(gpsTimeMs - 18_000 + Date.UTC(1980, 0, 6)).toBe(expected);
  expect(metadata?.gpsTime && timestampMs(metadata.gpsTime)).toBe(expected);
  expect(metadata?.time && timestampMs(metadata.time)).toBe(expected);
});
