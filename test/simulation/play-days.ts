/** Days of many simulated devices against store, registry, gateway, join and network server, in virtual time. */
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../../main/base/logger.ts';
import { eui64FromBytes } from '../../main/lorawan/index.ts';
import { createLab, type Lab, otaaDevice } from '../../main/network-server/testing/lab.ts';
import {
  createSimulator,
  type Random,
  type Simulator,
  seededRandom,
} from '../../main/simulator/index.ts';

export interface DaysOptions {
  /** 1 to 65,535. */
  readonly devices: number;
  readonly days: number;
  /**
   * Source of the devices' and the medium's chance. Days of 12 and of 400 devices repeated exactly; two days of 1,000, one
   * of them on a busy computer, differed by 17 of 23,519 uplinks.
   */
  readonly seed: number;
  /** `EU_863_870` or `US_902_928_FSB_1` to `_8`. */
  readonly planId: string;
}

export interface DaysResult {
  /** Devices with a session at the end. */
  readonly joined: number;
  /** Join-accepts that the application was told of. */
  readonly joins: number;
  /** Frames the devices transmitted, join-requests included. */
  readonly transmitted: number;
  /** Data uplinks that got a counter of their own in the devices' last sessions. */
  readonly uplinks: number;
  readonly delivered: number;
  /** Frames that were heard and refused, by cause. */
  readonly drops: Readonly<Record<string, number>>;
  readonly setUpMs: number;
  readonly runMs: number;
}

const UPLINKS_PER_DAY = 24;
const DAY_S = 86_400;
const JOIN_EUI = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]);
/** Devices are switched on within the first hour. */
const START_SPAN_MS = 3_600_000;
const VERSIONS = [
  { macVersion: '1.0.2', mac: MACVersion.MAC_V1_0_2, phy: PHYVersion.PHY_V1_0_2_REV_B },
  { macVersion: '1.0.3', mac: MACVersion.MAC_V1_0_3, phy: PHYVersion.PHY_V1_0_3_REV_A },
  { macVersion: '1.0.4', mac: MACVersion.MAC_V1_0_4, phy: PHYVersion.RP002_V1_0_1 },
] as const;

async function addDevice(
  lab: Lab,
  simulator: Simulator,
  index: number,
  { planId }: DaysOptions,
  random: Random,
): Promise<void> {
  const version = VERSIONS[index % VERSIONS.length] ?? VERSIONS[0];
  const id = `sim-${index}`;
  const devEui = new Uint8Array([2, 0, 0, 0, 0, 3, index >> 8, index & 0xff]);
  const appKey = new Uint8Array(16).map(() => Math.floor(random() * 256));
  const subBand = /^US_902_928_FSB_([1-8])$/.exec(planId)?.[1];
  await lab.registry.registerEverywhere(
    otaaDevice({
      ids: { deviceId: id, applicationIds: { applicationId: 'shop' }, devEui, joinEui: JOIN_EUI },
      rootKeys: { appKey: { key: appKey } },
      frequencyPlanId: planId,
      lorawanVersion: version.mac,
      lorawanPhyVersion: version.phy,
    }),
  );
  simulator.addDevice({
    id,
    devEui: eui64FromBytes(devEui),
    joinEui: eui64FromBytes(JOIN_EUI),
    activation: { kind: 'otaa', appKey },
    bandId: subBand === undefined ? planId : 'US_902_928',
    ...(subBand !== undefined && { subBand: Number(subBand) }),
    macVersion: version.macVersion,
    ...(version.macVersion === '1.0.4' && { firstDevNonce: 0 }),
    intervalS: DAY_S / UPLINKS_PER_DAY,
    payload: 'counter',
    fPort: 2,
  });
  lab.clock.setTimer(random() * START_SPAN_MS, () => simulator.start(id));
}

function countCauses(lab: Lab): Record<string, number> {
  const drops: Record<string, number> = {};
  for (const name of ['ns.up.data.drop', 'ns.up.join.drop', 'js.join.reject'])
    for (const cause of lab.causesOf(name)) {
      const key = `${name} ${cause ?? ''}`.trim();
      drops[key] = (drops[key] ?? 0) + 1;
    }
  return drops;
}

/** Plays the days, with 24 uplinks of each device on each of them. */
export async function playDays(options: DaysOptions): Promise<DaysResult> {
  const begunMs = performance.now();
  let delivered = 0;
  const lab = await createLab({
    gateways: [],
    onUplink() {
      delivered += 1;
    },
  });
  const random = seededRandom(options.seed);
  const simulator = createSimulator({ clock: lab.clock, logger: silentLogger(), random });
  const gateway = { id: 'virtual', gatewayEui: 'AA555A0000000001' };
  const settings = { frequencyPlanId: options.planId };
  await lab.gatewayServer.add(simulator.addGateway(gateway), settings);
  for (let index = 0; index < options.devices; index += 1)
    await addDevice(lab, simulator, index, options, random);
  const startedMs = performance.now();
  await lab.clock.advance(options.days * DAY_S * 1000);
  simulator.stop();
  await lab.clock.advance(10_000);
  const runMs = performance.now() - startedMs;
  const devices = simulator.devices();
  const result = {
    joined: devices.filter(({ state }) => state === 'joined').length,
    joins: lab.application.joins.length,
    transmitted: devices.reduce((sum, { sentCount }) => sum + sentCount, 0),
    uplinks: devices.reduce((sum, { fCntUp }) => sum + (fCntUp ?? -1) + 1, 0),
    delivered,
    drops: countCauses(lab),
    setUpMs: startedMs - begunMs,
    runMs,
  };
  await lab.close();
  return result;
}
