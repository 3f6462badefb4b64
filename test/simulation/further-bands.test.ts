/** Shorter lives of simulated devices in the other bands they know. */
import { afterEach, expect, test } from 'vitest';
import { PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { temporaryDirectory } from '../../main/store/testing/temporary-directory.ts';
import { createWorld, DEVICE, type SimulatedWorld } from './simulated-world.ts';

/** `fastest` is the data rate that ADR gives there, `channels` how many the network has the device use. */
const BANDS = [
  { bandId: 'AU_915_928', planId: 'AU_915_928_FSB_2', subBand: 2, fastest: 5, channels: 9 },
  { bandId: 'AS_923', planId: 'AS_923_DT', fastest: 5, channels: 2 },
  { bandId: 'AS_923', planId: 'AS_923_NDT', fastest: 5, channels: 2 },
  { bandId: 'AS_923_2', planId: 'AS_923_2', fastest: 5, channels: 2 },
  { bandId: 'AS_923_3', planId: 'AS_923_3', fastest: 5, channels: 2 },
  {
    bandId: 'AS_923_4',
    planId: 'AS_923_4',
    // The group came with this version.
    registration: { lorawanPhyVersion: PHYVersion.RP002_V1_0_3 },
    fastest: 5,
    channels: 2,
  },
  { bandId: 'EU_433', planId: 'EU_433', fastest: 5, channels: 8 },
  { bandId: 'IN_865_867', planId: 'IN_865_867', fastest: 5, channels: 8 },
  { bandId: 'KR_920_923', planId: 'KR_920_923_TTN', fastest: 5, channels: 7 },
  { bandId: 'RU_864_870', planId: 'RU_864_870_TTN', fastest: 5, channels: 7 },
  // ADR leaves devices of this band alone.
  { bandId: 'ISM_2400', planId: 'ISM_2400_3CH_DRAFT2', fastest: 0, channels: 3 },
] as const;

let world: SimulatedWorld;
afterEach(() => world.close());

test.each(BANDS)(
  'a 1.0.4 device joins in $planId and is brought to its fastest rate without a loss',
  async ({ channels, fastest, ...band }) => {
    world = await createWorld({ directory: temporaryDirectory(), macVersion: '1.0.4', ...band });
    world.simulator.start(DEVICE);
    await world.advance(80 * 60_000);
    world.simulator.stop(DEVICE);
    await world.advance(10_000);
    const device = world.device();
    expect(device).toMatchObject({
      state: 'joined',
      dataRateIndex: fastest,
      enabledChannelCount: channels,
      problems: [],
    });
    const last = device.fCntUp ?? 0;
    expect(last).toBeGreaterThan(75);
    expect(world.heard).toEqual(Array.from({ length: last + 1 }, (_, index) => index));
  },
);

test.each(['1.0.2', '1.0.3', '1.1'] as const)(
  'a %s device joins in AS_923_DT, whose downlinks may last 400 ms only',
  async (macVersion) => {
    const directory = temporaryDirectory();
    world = await createWorld({ directory, macVersion, bandId: 'AS_923', planId: 'AS_923_DT' });
    world.simulator.start(DEVICE);
    await world.advance(80 * 60_000);
    expect(world.device()).toMatchObject({ state: 'joined', dataRateIndex: 5, problems: [] });
  },
);
