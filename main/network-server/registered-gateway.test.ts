import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FrameSchema } from '../api/gen/gatehouse/v1/frames_pb.js';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import { GatewaySchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { type UplinkMessage, UplinkMessageSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { LocationSource, RxMetadataSchema } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
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

test('a reception is dated back by half the usual round trip to its gateway', async () => {
  gateway.answer = { result: 'success', roundTripMs: 80.613 };
  const receivedAt = (metadata: Awaited<ReturnType<typeof metadataOf>>) =>
    metadata?.receivedAt && timestampMs(metadata.receivedAt);
  const first = lab.clock.now();
  expect(receivedAt(await metadataOf(0))).toBe(first);
  gateway.hear(uplink(ABP_KEYS, 1, { confirmed: true }));
  await lab.clock.advance(2 * REREAD_MS);
  expect(gateway.sent).toHaveLength(1);
  const now = lab.clock.now();
  const dated = await metadataOf(2);
  expect(receivedAt(dated)).toBe(now - 40);
  expect(toBinary(RxMetadataSchema, dated ?? create(RxMetadataSchema)).length).toBeGreaterThan(0);
});

test('a time in microseconds, as forwarders with GPS tell it, reaches record, application and events', async () => {
  const gatewayTimeMs = 1_767_225_617_528.002;
  const nanos = 528_002_000;
  gateway.hear(uplink(ABP_KEYS, 0), { gatewayTimeMs });
  await lab.clock.advance(REREAD_MS);
  await lab.store.frames.flush();
  const [frame] = lab.uplinkFrames();
  expect(frame?.receptions[0]?.gatewayTime).toMatchObject({ nanos });
  expect(toBinary(FrameSchema, frame ?? create(FrameSchema)).length).toBeGreaterThan(0);
  const [heard] = lab.application.uplinks;
  expect(heard?.rxMetadata()[0]?.time).toMatchObject({ nanos });
  expect(heard?.settings().time).toMatchObject({ nanos });
  for (const message of lab.dataOf('ns.up.data.process'))
    expect(toBinary(UplinkMessageSchema, message as UplinkMessage).length).toBeGreaterThan(0);
});
