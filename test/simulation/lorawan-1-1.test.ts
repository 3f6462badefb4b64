/** Simulated devices of LoRaWAN 1.1 in the network core, in virtual time. */
import { afterEach, expect, test } from 'vitest';
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type DevAddr, parseDevAddr } from '../../main/lorawan/index.ts';
import { encryptedDownlink, hex } from '../../main/network-server/testing/frames.ts';
import { abpDevice } from '../../main/network-server/testing/lab.ts';
import { temporaryDirectory } from '../../main/store/testing/temporary-directory.ts';
import { createWorld, DEVICE, DEVICE_REF, type SimulatedWorld } from './simulated-world.ts';

let world: SimulatedWorld;
afterEach(() => world.close());

const PLACE = { bandId: 'EU_863_870', planId: 'EU_863_870' } as const;

async function send(
  order: Parameters<SimulatedWorld['simulator']['sendUplink']>[1] = {},
): Promise<void> {
  world.simulator.sendUplink(DEVICE, order);
  await world.advance(20_000);
}

/** A device that has joined, whose session is confirmed and which ADR has brought to DR5. */
async function joined(deviceClass: 'A' | 'C' = 'A'): Promise<void> {
  const directory = temporaryDirectory();
  world = await createWorld({ directory, macVersion: '1.1', deviceClass, ...PLACE });
  world.simulator.join(DEVICE);
  await world.advance(10_000);
  await send();
  await send();
  expect(world.device()).toMatchObject({ isConfirmed: true, dataRateIndex: 5, problems: [] });
  world.heard.length = 0;
}

test.each([
  [0, 0],
  [1, 0],
  [2, 5],
] as const)(
  'a rejoin-request of type %i begins a session at DR%i, and uplinks go on across a restart',
  async (type, dataRateIndex) => {
    await joined();
    const { devAddr } = world.device();
    world.simulator.rejoin(DEVICE, type);
    await world.advance(10_000);
    expect(world.device()).toMatchObject({ dataRateIndex, problems: [] });
    expect(world.device().devAddr).not.toBe(devAddr);
    await world.restart();
    for (let count = 0; count < 3; count += 1) await send();
    expect(world.heard).toEqual([0, 1, 2]);
    expect(world.device()).toMatchObject({ isConfirmed: true, dataRateIndex: 5, problems: [] });
  },
);

test('a rejoin-request whose answer is lost leaves the session, and the next one is taken', async () => {
  await joined();
  const { devAddr } = world.device();
  await send({ fault: { kind: 'lose_downlinks_by_chance', probability: 1 } });
  for (const type of [0, 2] as const) {
    world.simulator.rejoin(DEVICE, type);
    await world.advance(10_000);
    await send();
  }
  expect(world.device()).toMatchObject({ devAddr, problems: [] });
  await send({ fault: { kind: 'lose_downlinks_by_chance', probability: 0 } });
  expect(world.heard.splice(0)).toEqual([2, 3, 4, 5]);
  world.simulator.rejoin(DEVICE, 0);
  await world.advance(10_000);
  await send();
  expect(world.heard).toEqual([0]);
  expect(world.device().devAddr).not.toBe(devAddr);
  expect(world.device()).toMatchObject({ isConfirmed: true, problems: [] });
});

test('a class C device acknowledges a confirmed downlink under the counter of the application', async () => {
  await joined('C');
  const [join] = world.lab.application.joins;
  if (!join) throw new Error('the application was told of a join');
  const keys = {
    devAddr: join.devAddr,
    appSKey: Buffer.from(join.appSKey).toString('hex'),
    nwkSKey: '00'.repeat(16),
  };
  await world.advance(60_000);
  const item = encryptedDownlink(keys, 40, 'c0ffee', join.sessionKeyId, { confirmed: true });
  await Promise.all([
    world.lab.network.downlinkQueue.push(DEVICE_REF, [item]),
    world.advance(20_000),
  ]);
  expect(world.downlinks).toMatchObject([{ fCnt: 40, confirmed: true, window: 'RXC' }]);
  expect(world.lab.application.acknowledged.map(({ downlink }) => downlink.fCnt)).toEqual([40]);
  expect(world.device()).toMatchObject({ aFCntDown: 40, problems: [] });
});

test('a personalized device says ResetInd until it is confirmed, and is brought to its rate', async () => {
  const keys = {
    fNwkSIntKey: hex('11'.repeat(16)),
    sNwkSIntKey: hex('22'.repeat(16)),
    nwkSEncKey: hex('33'.repeat(16)),
    appSKey: hex('44'.repeat(16)),
  };
  const { session } = abpDevice();
  world = await createWorld({
    directory: temporaryDirectory(),
    macVersion: '1.1',
    ...PLACE,
    registration: {
      supportsJoin: false,
      lorawanVersion: MACVersion.MAC_V1_1,
      lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
      session: {
        devAddr: session?.devAddr ?? new Uint8Array(4),
        keys: Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, { key }])),
      },
    },
    device: {
      activation: {
        kind: 'abp',
        devAddr: parseDevAddr(Buffer.from(session?.devAddr ?? []).toString('hex')) as DevAddr,
        nwkSKey: keys.fNwkSIntKey,
        ...keys,
      },
    },
  });
  expect(world.device().isConfirmed).toBe(false);
  world.simulator.start(DEVICE);
  await world.advance(60 * 60_000);
  expect(world.device()).toMatchObject({ isConfirmed: true, dataRateIndex: 5, problems: [] });
  expect(world.heard.slice(0, 3)).toEqual([0, 1, 2]);
  expect(world.heard).toHaveLength((world.device().fCntUp ?? 0) + 1);
  expect(world.lab.published.filter((name) => name.startsWith('ns.mac.reset'))).toHaveLength(2);
});
