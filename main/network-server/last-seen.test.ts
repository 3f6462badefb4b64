import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import type { SeenDevice } from '../registry/index.ts';
import { createLastSeen } from './last-seen.ts';
import type { NetworkDevice } from './ports.ts';
import { ABP_KEYS, joinRequest, uplink } from './testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  otaaDevice,
} from './testing/lab.ts';

const IDS = create(EndDeviceIdentifiersSchema, {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
});
const PATHS = ['last_seen_at', 'activated_at', 'name'];

let lab: Lab;
let near: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
});
afterEach(() => lab.close());

async function times() {
  const { lastSeenAt, activatedAt, name } = await lab.registry.identity.get(IDS, PATHS);
  return {
    seen: lastSeenAt && timestampMs(lastSeenAt),
    activated: activatedAt && timestampMs(activatedAt),
    name,
  };
}

async function hear(phyPayload: Uint8Array): Promise<number> {
  const atMs = lab.clock.now();
  near.hear(phyPayload, { timestampUs: atMs % 2 ** 32 });
  await lab.clock.advance(10_000);
  return atMs;
}

test('a device was last seen with its newest uplink, and is active since its first', async () => {
  await lab.registry.registerEverywhere(abpDevice({ name: 'door' }));
  expect(await times()).toEqual({ seen: undefined, activated: undefined, name: 'door' });
  const first = await hear(uplink(ABP_KEYS, 0));
  expect(await times()).toEqual({ seen: first, activated: first, name: 'door' });
  const second = await hear(uplink(ABP_KEYS, 1));
  lab.restartNetwork();
  const third = await hear(uplink(ABP_KEYS, 2));
  expect(third).toBeGreaterThan(second);
  expect(await times()).toEqual({ seen: third, activated: first, name: 'door' });
  expect(lab.published).not.toContain('end_device.update');
});

test('a join-request was seen as well, but activates nothing', async () => {
  await lab.registry.registerEverywhere(otaaDevice());
  const joined = await hear(joinRequest(1));
  expect(await times()).toMatchObject({ seen: joined, activated: undefined });
});

test('what a client changes meanwhile stays, and so does the time', async () => {
  await lab.registry.registerEverywhere(abpDevice({ name: 'door' }));
  const seen = await hear(uplink(ABP_KEYS, 0));
  const device = abpDevice({ name: 'gate' });
  await lab.registry.identity.update(device, ['name']);
  expect(await times()).toMatchObject({ seen, name: 'gate' });
  const order = { applicationId: 'shop', order: '-last_seen_at' };
  const { devices } = await lab.registry.identity.list(order, ['last_seen_at']);
  expect(devices[0]?.lastSeenAt && timestampMs(devices[0].lastSeenAt)).toBe(seen);
});

test('what is not written yet is written at the end', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  const atMs = lab.clock.now();
  near.hear(uplink(ABP_KEYS, 0));
  await lab.clock.advance(500);
  expect((await times()).seen).toBeUndefined();
  await Promise.all([lab.network.close(), lab.clock.advance(1)]);
  expect((await times()).seen).toBe(atMs);
});

test('a thousand uplinks of many devices are a few writes, each of a bounded size', async () => {
  const writes: (readonly SeenDevice[])[] = [];
  const clock = virtualClock();
  const lastSeen = createLastSeen({
    registry: { recordSeen: async (seen) => void writes.push(seen) },
    clock,
    logger: silentLogger(),
  });
  const device = (row: number) =>
    ({ row, applicationId: 'shop', deviceId: `door-${row}` }) as NetworkDevice;
  for (let fCnt = 0; fCnt < 10; fCnt += 1)
    for (let row = 1; row <= 600; row += 1) lastSeen.note(device(row), fCnt, true);
  await clock.advance(10_000);
  expect(writes.map((seen) => seen.length)).toEqual([500, 100]);
  expect(writes[0]?.[0]).toEqual({
    applicationId: 'shop',
    deviceId: 'door-1',
    atMs: 9,
    firstUplinkAtMs: 0,
  });
});
