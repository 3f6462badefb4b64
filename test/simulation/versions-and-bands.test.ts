/** Simulated devices of each version, class and band in the network core, in virtual time, across a restart of the core. */
import { afterEach, expect, test } from 'vitest';
import { encryptedDownlink } from '../../main/network-server/testing/frames.ts';
import type { JoinForApplication } from '../../main/seams/application-traffic.ts';
import { DEVICE_MAC_VERSIONS } from '../../main/simulator/index.ts';
import { temporaryDirectory } from '../../main/store/testing/temporary-directory.ts';
import { createWorld, DEVICE, DEVICE_REF, type SimulatedWorld } from './simulated-world.ts';

const INTERVAL_MS = 60_000;
const LARGEST_STEP = 16_000;
/** Close below the roll-over of the 16 bits on air. */
const FIRST = 65_400;
const UPLINKS = 500;

/** `fastest` is the highest 125 kHz data rate of LoRa (RP002-1.0.4 §2.4.3, §2.5.3, §2.9.3, §2.10.3). */
const BANDS = [
  { bandId: 'EU_863_870', planId: 'EU_863_870', fastest: 5 },
  { bandId: 'US_902_928', planId: 'US_902_928_FSB_2', subBand: 2, fastest: 3 },
  { bandId: 'AS_923', planId: 'AS_923', fastest: 5 },
  { bandId: 'CN_470_510', planId: 'CN_470_510_FSB_11', subBand: 11, fastest: 5 },
] as const;
const MATRIX = BANDS.flatMap((band) =>
  DEVICE_MAC_VERSIONS.flatMap((macVersion) =>
    (['A', 'C'] as const).map((deviceClass) => ({ ...band, macVersion, deviceClass })),
  ),
);

let world: SimulatedWorld;
afterEach(() => world.close());

async function send(
  order: Parameters<SimulatedWorld['simulator']['sendUplink']>[1],
): Promise<void> {
  world.simulator.sendUplink(DEVICE, order);
  await world.advance(10_000);
}

/** Leaves out counters up to the one before `FIRST`, in steps below MAX_FCNT_GAP (TS001-1.0.3 §4.3.1.5). */
async function skipToFirst(): Promise<void> {
  for (let left = FIRST - 1; left > 0; left = FIRST - 1 - (world.device().fCntUp ?? 0)) {
    const count = Math.min(left, LARGEST_STEP) - 1;
    await send({ fault: { kind: 'skip_counters', count } });
  }
}

/** Half of the uplinks, a restart of the network between two of them, and the other half. */
async function runAcrossRestart(): Promise<void> {
  world.heard.length = 0;
  world.simulator.start(DEVICE);
  await world.advance((UPLINKS / 2) * INTERVAL_MS);
  await world.restart();
  await world.advance((UPLINKS / 2) * INTERVAL_MS);
  world.simulator.stop(DEVICE);
}

/** A downlink long after the windows of the last uplink. */
async function sendBetweenUplinks({ appSKey, devAddr, sessionKeyId }: JoinForApplication) {
  const keys = {
    devAddr,
    appSKey: Buffer.from(appSKey).toString('hex'),
    nwkSKey: '00'.repeat(16),
  };
  await world.advance(INTERVAL_MS);
  const fCnt = 1 + (world.device().fCntDown ?? 0);
  const item = encryptedDownlink(keys, fCnt, 'c0ffee', sessionKeyId);
  await Promise.all([
    world.lab.network.downlinkQueue.push(DEVICE_REF, [item]),
    world.advance(10_000),
  ]);
}

/** Windows of what the network transmitted, the first run of it included. */
function windowsUsed(): readonly string[] {
  const used = world.lab.downlinkFrames().map(({ transmission }) => transmission?.window ?? '');
  return [...new Set(used)].sort();
}

test.each(MATRIX)(
  'a $macVersion device of class $deviceClass in $bandId joins, passes the roll-over at its fastest rate and a restart without a loss, and gets a new session',
  async ({ fastest, ...options }) => {
    const { deviceClass, macVersion } = options;
    world = await createWorld({ directory: temporaryDirectory(), ...options });
    const { heard, simulator } = world;
    simulator.join(DEVICE);
    await world.advance(10_000);
    await send({});
    expect(world.device()).toMatchObject({ state: 'joined', isConfirmed: true });
    expect(heard).toEqual([0]);
    const [join] = world.lab.application.joins;

    await skipToFirst();
    await runAcrossRestart();
    expect(world.device()).toMatchObject({ dataRateIndex: fastest, problems: [] });
    const last = world.device().fCntUp ?? 0;
    expect(last).toBeGreaterThanOrEqual(FIRST + UPLINKS - 1);
    expect(heard.splice(0)).toEqual(
      Array.from({ length: last - FIRST + 1 }, (_, index) => FIRST + index),
    );

    if (join && deviceClass === 'C') await sendBetweenUplinks(join);
    const windows = world.downlinks.map(({ payload, window }) => [
      Buffer.from(payload).toString('hex'),
      window,
    ]);
    expect(windows).toEqual(deviceClass === 'C' ? [['c0ffee', 'RXC']] : []);

    if (macVersion === '1.1') simulator.rejoin(DEVICE, 0);
    else simulator.join(DEVICE);
    await world.advance(10_000);
    expect(world.device()).toMatchObject({ state: 'joined', fCntUp: undefined });
    expect(world.device().devAddr).not.toBe(join?.devAddr);
    for (let count = 0; count < 3; count += 1) await send({});
    expect(heard).toEqual([0, 1, 2]);
    expect(world.device()).toMatchObject({ isConfirmed: true, problems: [] });
    expect(world.lab.application.joins).toHaveLength(1);
    // The device got everything that was sent, and nothing had to wait for RX2.
    expect(windowsUsed()).toEqual(deviceClass === 'C' ? ['RX1', 'immediate'] : ['RX1']);
    expect(world.device().receivedCount).toBe(world.lab.downlinkFrames().length);
  },
  20_000,
);
