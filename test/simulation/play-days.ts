/** Days of many simulated devices against the whole program, in virtual time. */
import { create } from '@bufbuild/protobuf';
import { LinkSchema } from '../../main/api/gen/gatehouse/v1/links_pb.js';
import { EndDeviceSchema } from '../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type App, createApp } from '../../main/app.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { type VirtualClock, virtualClock } from '../../main/base/virtual-clock.ts';
import { eui64FromBytes } from '../../main/lorawan/index.ts';
import { newApplication } from '../../main/registry/index.ts';
import {
  createSimulator,
  type Random,
  type Simulator,
  seededRandom,
} from '../../main/simulator/index.ts';
import { createStore } from '../../main/store/index.ts';
import { createAirTime, type SubBandUse } from './air-time.ts';
import { type Balance, createFrameAccount, type DownlinkBalance } from './frame-account.ts';

export interface DaysOptions {
  /** 1 to 65,535. */
  readonly devices: number;
  readonly days: number;
  /** Source of everything random: two runs with the same seed are the same, frame by frame. */
  readonly seed: number;
  /** `EU_863_870` or `US_902_928_FSB_1` to `_8`. */
  readonly planId: string;
  /** Devices are switched on within this time; default one hour. */
  readonly startSpanMs?: number;
}

export interface DaysResult {
  /** Devices with a session at the end. */
  readonly joined: number;
  readonly joinRequests: Balance;
  readonly uplinks: Balance;
  readonly transmissions: Balance;
  /** Frame counters that the devices used in their last sessions, as they say. */
  readonly countersUsed: number;
  readonly deliveredTwice: number;
  readonly downlinks: DownlinkBalance;
  readonly airTime: readonly SubBandUse[];
  /** Frames in the recorder at the end. */
  readonly recorded: number;
  /** Of what was recorded: the same if two runs were the same frame by frame. */
  readonly digest: string;
  readonly setUpMs: number;
  readonly runMs: number;
}

const UPLINKS_PER_DAY = 24;
const DAY_S = 86_400;
const APPLICATION = 'days';
const JOIN_EUI = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]);
const GATEWAY_EUI = new Uint8Array([0xaa, 0x55, 0x5a, 0, 0, 0, 0, 1]);
const START_SPAN_MS = 3_600_000;
/** Longer than the last uplink of a device and the windows after it. */
const LAST_WINDOWS_MS = 10_000;
const VERSIONS = [
  { macVersion: '1.0.2', mac: MACVersion.MAC_V1_0_2, phy: PHYVersion.PHY_V1_0_2_REV_B },
  { macVersion: '1.0.3', mac: MACVersion.MAC_V1_0_3, phy: PHYVersion.PHY_V1_0_3_REV_A },
  { macVersion: '1.0.4', mac: MACVersion.MAC_V1_0_4, phy: PHYVersion.RP002_V1_0_1 },
] as const;

/** Bytes that stand in the place of the system's. */
function seededBytes(random: Random): (count: number) => Uint8Array<ArrayBuffer> {
  return (count) => new Uint8Array(count).map(() => Math.floor(random() * 256));
}

/** Registers a device and puts it on the air, switched off. */
async function addDevice(
  { registry }: App,
  simulator: Simulator,
  index: number,
  planId: string,
  appKey: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const version = VERSIONS[index % VERSIONS.length] ?? VERSIONS[0];
  const id = `sim-${index}`;
  const devEui = new Uint8Array([2, 0, 0, 0, 0, 3, index >> 8, index & 0xff]);
  const subBand = /^US_902_928_FSB_([1-8])$/.exec(planId)?.[1];
  await registry.registerEverywhere(
    create(EndDeviceSchema, {
      ids: {
        deviceId: id,
        applicationIds: { applicationId: APPLICATION },
        devEui,
        joinEui: JOIN_EUI,
      },
      supportsJoin: true,
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
  return id;
}

/** The program with one virtual gateway and the devices, each of which switches itself on. */
async function openNetwork(
  { devices, planId, startSpanMs = START_SPAN_MS }: DaysOptions,
  clock: VirtualClock,
  simulator: Simulator,
  random: Random,
) {
  const logger = silentLogger();
  const store = await createStore({ directory: ':memory:', clock, logger });
  const bytes = seededBytes(random);
  const app = await createApp({
    store,
    clock,
    logger,
    simulator,
    random: bytes,
    rendererFolder: store.directory,
    version: '0',
    buildId: '0',
    udp: { host: '127.0.0.1', port: 0, explicit: false },
    offerDemo: false,
    listPorts: async () => ({ kind: 'listed', ports: [] }),
    listeners: () => [],
  });
  await app.registry.applications.create(newApplication(APPLICATION));
  await app.links.create(
    create(LinkSchema, {
      enabled: true,
      frequencyPlanId: planId,
      config: { case: 'virtual', value: { gatewayEui: GATEWAY_EUI } },
    }),
  );
  for (let index = 0; index < devices; index += 1) {
    const id = await addDevice(app, simulator, index, planId, bytes(16));
    clock.setTimer(random() * startSpanMs, () => simulator.start(id));
  }
  return { app, store };
}

/** Plays the days, with 24 uplinks of each device on each of them. */
export async function playDays(options: DaysOptions): Promise<DaysResult> {
  const begunMs = performance.now();
  const clock = virtualClock();
  const random = seededRandom(options.seed);
  const account = createFrameAccount();
  const airTime = createAirTime(options.planId);
  const simulator = createSimulator({
    clock,
    logger: silentLogger(),
    random,
    observer: {
      uplink(emission, fate) {
        account.uplink(emission, fate);
        airTime.uplink(emission, fate);
      },
      downlink: airTime.downlink,
    },
  });
  const { app, store } = await openNetwork(options, clock, simulator, random);
  store.frames.onFrame((frame) => account.recorded(frame));
  const startedMs = performance.now();
  const durationMs = options.days * DAY_S * 1000;
  await clock.advance(durationMs);
  simulator.stop();
  await clock.advance(LAST_WINDOWS_MS);
  const runMs = performance.now() - startedMs;
  const devices = simulator.devices();
  const result = {
    joined: devices.filter(({ state }) => state === 'joined').length,
    joinRequests: account.joinRequests(),
    uplinks: account.uplinks(),
    transmissions: account.transmissions(),
    countersUsed: devices.reduce((sum, { fCntUp }) => sum + (fCntUp ?? -1) + 1, 0),
    deliveredTwice: account.deliveredTwice(),
    downlinks: account.downlinks(),
    airTime: airTime.use(options.devices, durationMs),
    recorded: store.frames.total(),
    digest: account.digest(),
    setUpMs: startedMs - begunMs,
    runMs,
  };
  await app.close();
  return result;
}
