import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { LinkSchema } from '../api/gen/gatehouse/v1/links_pb.js';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { eui64FromBytes } from '../lorawan/index.ts';
import { newApplication, type Registry } from '../registry/index.ts';
import type { Simulator } from '../simulator/index.ts';
import type { Store } from '../store/index.ts';
import type { LinkManager } from './link-manager.ts';

/** The demonstration: a virtual gateway and three simulated devices in an application of their own. */
export interface Demo {
  readonly isRunning: boolean;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export interface DemoOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly links: LinkManager;
  readonly simulator: Simulator;
  readonly logger: Logger;
}

const APPLICATION = 'demo';
const BAND = 'EU_863_870';
const JOIN_EUI = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]);
const GATEWAY_EUI = new Uint8Array([0x02, 0, 0, 0, 0, 0, 0, 0x01]);
const DEVICES = [
  { id: 'demo-greenhouse', name: 'Greenhouse', payload: 'temperature', intervalS: 20 },
  { id: 'demo-door', name: 'Back door', payload: 'door', intervalS: 30 },
  { id: 'demo-meter', name: 'Water meter', payload: 'counter', intervalS: 45 },
] as const;

const idsOf = (deviceId: string) =>
  create(EndDeviceIdentifiersSchema, { deviceId, applicationIds: { applicationId: APPLICATION } });

/** Creates the demo; it does nothing until started. What an earlier run left is removed by `remove`. */
export function createDemo({ links, logger, registry, simulator, store }: DemoOptions): Demo {
  let running = false;

  const addDevice = async (device: (typeof DEVICES)[number], index: number): Promise<void> => {
    const devEui = new Uint8Array([0x02, 0, 0, 0, 0, 0, 1, index + 1]);
    const appKey = new Uint8Array(randomBytes(16));
    await registry.registerEverywhere(
      create(EndDeviceSchema, {
        ids: {
          deviceId: device.id,
          applicationIds: { applicationId: APPLICATION },
          devEui,
          joinEui: JOIN_EUI,
        },
        name: device.name,
        supportsJoin: true,
        frequencyPlanId: BAND,
        lorawanVersion: MACVersion.MAC_V1_0_3,
        lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
        rootKeys: { appKey: { key: appKey } },
        ...(device.payload === 'temperature' && {
          formatters: { upFormatter: PayloadFormatter.FORMATTER_CAYENNELPP },
        }),
      }),
    );
    simulator.addDevice({
      id: device.id,
      name: device.name,
      devEui: eui64FromBytes(devEui),
      joinEui: eui64FromBytes(JOIN_EUI),
      activation: { kind: 'otaa', appKey },
      bandId: BAND,
      intervalS: device.intervalS,
      payload: device.payload,
      fPort: 1,
    });
    simulator.start(device.id);
  };

  /** Leftovers may be partial, so each part is removed by itself. */
  const quietly = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => {
      logger.debug({ error: errorText(error) }, 'nothing of the demo to remove here');
    });
  };

  const remove = async (): Promise<void> => {
    running = false;
    for (const { id } of DEVICES) {
      if (simulator.devices().some((one) => one.config.id === id)) simulator.removeDevice(id);
      await quietly(registry.deleteEverywhere(idsOf(id)));
    }
    for (const { link } of links.list()) if (link?.demo) await quietly(links.delete(link.id));
    if (store.applications.get(APPLICATION))
      await quietly(registry.applications.delete(APPLICATION));
  };

  return {
    get isRunning() {
      return running;
    },
    async start() {
      if (running) return;
      await remove();
      running = true;
      await registry.applications.create(newApplication(APPLICATION, 'Demonstration'));
      await links.createDemo(
        create(LinkSchema, {
          name: 'Virtual gateway',
          enabled: true,
          frequencyPlanId: BAND,
          config: { case: 'virtual', value: { gatewayEui: GATEWAY_EUI } },
        }),
      );
      for (const [index, device] of DEVICES.entries()) await addDevice(device, index);
    },
    remove,
  };
}
