/** One simulated device and a network core on files that can be restarted beside it, in virtual time. */
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../../main/base/logger.ts';
import type { DevEui, JoinEui } from '../../main/lorawan/index.ts';
import { APP_KEY, DEV_EUI, hex, JOIN_EUI } from '../../main/network-server/testing/frames.ts';
import { NWK_KEY } from '../../main/network-server/testing/frames11.ts';
import { createLab, type Lab, otaaDevice } from '../../main/network-server/testing/lab.ts';
import type { UplinkForApplication } from '../../main/seams/application-traffic.ts';
import {
  createSimulator,
  type DeviceClass,
  type DeviceMacVersion,
  type DeviceSnapshot,
  type ReceivedDownlink,
  type SimulatedDeviceConfig,
  type Simulator,
  seededRandom,
} from '../../main/simulator/index.ts';

/** Name of the device in the simulator. */
export const DEVICE = 'probe';
/** Name of the device in the network. */
export const DEVICE_REF = { applicationId: 'shop', deviceId: 'door-7' };

/** How the network knows the versions a simulated device speaks. */
export const VERSIONS = {
  '1.0.2': [MACVersion.MAC_V1_0_2, PHYVersion.PHY_V1_0_2_REV_B],
  '1.0.3': [MACVersion.MAC_V1_0_3, PHYVersion.PHY_V1_0_3_REV_A],
  '1.0.4': [MACVersion.MAC_V1_0_4, PHYVersion.RP002_V1_0_1],
  '1.1': [MACVersion.MAC_V1_1, PHYVersion.PHY_V1_1_REV_B],
} as const satisfies Readonly<Record<DeviceMacVersion, readonly [MACVersion, PHYVersion]>>;

export interface WorldOptions {
  readonly directory: string;
  readonly macVersion: DeviceMacVersion;
  readonly deviceClass?: DeviceClass;
  readonly bandId: string;
  readonly planId: string;
  readonly subBand?: number;
  /** What else the simulated device is told. */
  readonly device?: Partial<SimulatedDeviceConfig>;
  /** What else the network is told about it. */
  readonly registration?: Parameters<typeof otaaDevice>[0];
}

export interface SimulatedWorld {
  readonly simulator: Simulator;
  /** The network core of this moment. */
  readonly lab: Lab;
  /** Full counters of the uplinks the application got, since they were last taken out. */
  readonly heard: number[];
  /** Application downlinks the device got. */
  readonly downlinks: ReceivedDownlink[];
  device(): DeviceSnapshot;
  advance(ms: number): Promise<void>;
  /** Ends the network core and begins another one on the same files. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

function registrationOf(options: WorldOptions): ReturnType<typeof otaaDevice> {
  const { bandId, deviceClass, macVersion, planId, registration } = options;
  const [lorawanVersion, phyVersion] = VERSIONS[macVersion];
  // The parameters of 1.0.4 have no such plan any more.
  const isOlderPlan = bandId === 'CN_470_510' && macVersion === '1.0.4';
  return otaaDevice({
    frequencyPlanId: planId,
    lorawanVersion,
    lorawanPhyVersion: isOlderPlan ? PHYVersion.PHY_V1_0_3_REV_A : phyVersion,
    supportsClassC: deviceClass === 'C',
    rootKeys: {
      appKey: { key: hex(APP_KEY) },
      ...(macVersion === '1.1' && { nwkKey: { key: hex(NWK_KEY) } }),
    },
    ...registration,
  });
}

/** Brings a device, 200 m away from the one gateway and without fading, and its network up. The device is at rest. */
export async function createWorld(options: WorldOptions): Promise<SimulatedWorld> {
  const { bandId, deviceClass, directory, macVersion, planId, subBand } = options;
  const heard: number[] = [];
  const onUplink = ({ fullFCnt }: UplinkForApplication): void => void heard.push(fullFCnt);
  let lab = await createLab({ gateways: [], directory, onUplink });
  const { clock } = lab;
  const simulator = createSimulator({
    clock,
    logger: silentLogger(),
    random: seededRandom(7),
    fadingDb: 0,
  });
  const gateway = { id: 'virtual', gatewayEui: 'AA555A0000000001', statusIntervalMs: 0 };
  const link = simulator.addGateway(gateway);
  const connect = (): Promise<void> => lab.gatewayServer.add(link, { frequencyPlanId: planId });
  await connect();
  await lab.registry.registerEverywhere(registrationOf(options));
  const downlinks: ReceivedDownlink[] = [];
  simulator.onEvent((event) => {
    if (event.kind === 'downlink') downlinks.push(event.downlink);
  });
  simulator.addDevice({
    id: DEVICE,
    devEui: DEV_EUI as DevEui,
    joinEui: JOIN_EUI as JoinEui,
    activation: {
      kind: 'otaa',
      appKey: hex(APP_KEY),
      ...(macVersion === '1.1' && { nwkKey: hex(NWK_KEY) }),
    },
    bandId,
    macVersion,
    ...(deviceClass && { deviceClass }),
    ...(subBand !== undefined && { subBand }),
    intervalS: 60,
    intervalJitter: 0,
    payload: 'counter',
    fPort: 2,
    dataRateIndex: 0,
    position: { xM: 200, yM: 0 },
    ...options.device,
  });
  return {
    simulator,
    heard,
    downlinks,
    get lab() {
      return lab;
    },
    device: () => simulator.device(DEVICE),
    advance: (ms) => clock.advance(ms),
    async restart() {
      await lab.close();
      lab = await createLab({ gateways: [], directory, clock, onUplink });
      await connect();
    },
    close: () => lab.close(),
  };
}
