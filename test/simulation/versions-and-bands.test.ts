/** Simulated devices of each version and band in the network core, in virtual time, across the roll-over of 16 bits. */
import { afterEach, expect, test } from 'vitest';
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../../main/base/logger.ts';
import type { DevEui, JoinEui } from '../../main/lorawan/index.ts';
import { APP_KEY, DEV_EUI, hex, JOIN_EUI } from '../../main/network-server/testing/frames.ts';
import { createLab, type Lab, otaaDevice } from '../../main/network-server/testing/lab.ts';
import { createSimulator, type Simulator, seededRandom } from '../../main/simulator/index.ts';

const ID = 'probe';
const INTERVAL_S = 60;
const LARGEST_STEP = 16_000;
const LONG = process.env.GATEHOUSE_LONG === '1';
/** The long run counts from the beginning; the short one is brought close to the roll-over. */
const RUN = LONG ? { first: 1, count: 70_000 } : { first: 65_400, count: 500 };

const VERSIONS = [
  { macVersion: '1.0.2', mac: MACVersion.MAC_V1_0_2, phy: PHYVersion.PHY_V1_0_2_REV_B },
  { macVersion: '1.0.3', mac: MACVersion.MAC_V1_0_3, phy: PHYVersion.PHY_V1_0_3_REV_A },
  // TS001-1.0.4 §6.2.5: the DevNonce is a counter.
  {
    macVersion: '1.0.4',
    mac: MACVersion.MAC_V1_0_4,
    phy: PHYVersion.RP002_V1_0_1,
    firstDevNonce: 0,
  },
] as const;
/** `fastest` is the highest 125 kHz data rate of LoRa (RP002-1.0.4 §2.4.3 and §2.5.3), reached 200 m from the gateway. */
const BANDS = [
  { bandId: 'EU_863_870', planId: 'EU_863_870', fastest: 5 },
  { bandId: 'US_902_928', planId: 'US_902_928_FSB_2', subBand: 2, fastest: 3 },
] as const;
const MATRIX = BANDS.flatMap(({ planId, fastest, ...band }) =>
  VERSIONS.map(({ mac, phy, ...version }) => ({ planId, fastest, mac, phy, ...band, ...version })),
);

let lab: Lab;
afterEach(() => lab.close());

/** Leaves out counters up to the one before `first`, in steps below MAX_FCNT_GAP (TS001-1.0.3 §4.3.1.5). */
async function skipTo(simulator: Simulator, first: number): Promise<void> {
  for (let left = first - 1; left > 0; left = first - 1 - (simulator.device(ID).fCntUp ?? 0)) {
    const count = Math.min(left, LARGEST_STEP) - 1;
    simulator.sendUplink(ID, { fault: { kind: 'skip_counters', count } });
    await lab.clock.advance(10_000);
  }
}

/** Joins anew and lets the device send its first uplink. */
async function joinAndSend(simulator: Simulator): Promise<void> {
  simulator.join(ID);
  await lab.clock.advance(10_000);
  expect(simulator.device(ID).state).toBe('joined');
  simulator.sendUplink(ID, {});
  await lab.clock.advance(10_000);
}

test.each(MATRIX)(
  'a $macVersion device in $bandId joins, passes the roll-over at its fastest rate without a loss, and joins again',
  async ({ planId, fastest, mac, phy, ...device }) => {
    const heard: number[] = [];
    lab = await createLab({ gateways: [], onUplink: ({ fullFCnt }) => heard.push(fullFCnt) });
    const { clock } = lab;
    const random = seededRandom(7);
    const simulator = createSimulator({ clock, logger: silentLogger(), random, fadingDb: 0 });
    const gateway = { id: 'virtual', gatewayEui: 'AA555A0000000001', statusIntervalMs: 0 };
    await lab.gatewayServer.add(simulator.addGateway(gateway), { frequencyPlanId: planId });
    await lab.registry.registerEverywhere(
      otaaDevice({ frequencyPlanId: planId, lorawanVersion: mac, lorawanPhyVersion: phy }),
    );
    simulator.addDevice({
      id: ID,
      devEui: DEV_EUI as DevEui,
      joinEui: JOIN_EUI as JoinEui,
      activation: { kind: 'otaa', appKey: hex(APP_KEY) },
      intervalS: INTERVAL_S,
      intervalJitter: 0,
      payload: 'counter',
      fPort: 2,
      dataRateIndex: 0,
      position: { xM: 200, yM: 0 },
      ...device,
    });
    await joinAndSend(simulator);
    expect(heard.splice(0)).toEqual([0]);

    await skipTo(simulator, RUN.first);
    heard.length = 0;
    simulator.start(ID);
    await clock.advance(RUN.count * INTERVAL_S * 1000);
    simulator.stop(ID);
    expect(simulator.device(ID)).toMatchObject({ dataRateIndex: fastest, problems: [] });
    const last = simulator.device(ID).fCntUp ?? 0;
    expect(last).toBeGreaterThanOrEqual(RUN.first + RUN.count - 1);
    expect(heard.splice(0)).toEqual(
      Array.from({ length: last - RUN.first + 1 }, (_, index) => RUN.first + index),
    );

    await joinAndSend(simulator);
    expect(heard).toEqual([0]);
    expect(lab.application.joins).toHaveLength(2);
  },
  LONG ? 600_000 : 20_000,
);
