import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { LinkSchema } from '../api/gen/gatehouse/v1/links_pb.js';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { eui64FromBytes } from '../lorawan/index.ts';
import { newApplication, type Registry } from '../registry/index.ts';
import type { Store } from '../store/index.ts';
import type { LinkManager } from './link-manager.ts';
import type { SimulatedDevices } from './simulated-devices.ts';
import { MANY_SPACING_MS } from './start-spacing.ts';

/** The devices that `--simulate` asks for: a virtual gateway, and an application that holds nothing else. */
export interface SimulatedFleet {
  /**
   * Makes the fleet have exactly `count` devices, before the simulated devices start. Those of an earlier run go on with
   * their sessions; surplus ones are removed, and with the last one gateway and application.
   */
  resize(count: number): Promise<void>;
}

export interface SimulatedFleetOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly links: LinkManager;
  readonly simulated: SimulatedDevices;
}

const APPLICATION = 'simulated';
const GATEWAY_LINK = 'simulated-gateway';
/** No radio is behind it, so the plan needs no choice of the user. */
const BAND = 'EU_863_870';
const GATEWAY_EUI = new Uint8Array([0x02, 0, 0, 0, 0, 0, 0, 0x02]);
const JOIN_EUI = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]);
const PAYLOADS = ['temperature', 'door', 'counter'] as const;
const MIN_INTERVAL_S = 30;
/** Registrations that share a commit. */
const BATCH = 100;

const idOf = (number: number): string => `sim-${String(number).padStart(5, '0')}`;
const idsOf = (deviceId: string) =>
  create(EndDeviceIdentifiersSchema, { deviceId, applicationIds: { applicationId: APPLICATION } });

function deviceOf(number: number): EndDevice {
  const payload = PAYLOADS[number % PAYLOADS.length];
  return create(EndDeviceSchema, {
    ids: {
      deviceId: idOf(number),
      applicationIds: { applicationId: APPLICATION },
      devEui: new Uint8Array([0x02, 0, 0, 0, 0, 2, number >> 8, number & 0xff]),
      joinEui: JOIN_EUI,
    },
    name: `Simulated ${payload} ${number}`,
    supportsJoin: true,
    frequencyPlanId: BAND,
    lorawanVersion: MACVersion.MAC_V1_0_3,
    lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
    rootKeys: { appKey: { key: new Uint8Array(randomBytes(16)) } },
    ...(payload === 'temperature' && {
      formatters: { upFormatter: PayloadFormatter.FORMATTER_CAYENNELPP },
    }),
  });
}

/** Creates the fleet's keeper; nothing happens before `resize`. */
export function createSimulatedFleet(options: SimulatedFleetOptions): SimulatedFleet {
  const { links, registry, simulated, store } = options;

  const isRegistered = (id: string): boolean =>
    registry.networkDeviceByIds(APPLICATION, id) !== undefined;
  const unregister = async (id: string): Promise<void> => {
    if (isRegistered(id)) await registry.deleteEverywhere(idsOf(id));
  };
  const add = async (number: number, count: number): Promise<void> => {
    const device = deviceOf(number);
    const config = simulated.configFor(device);
    await registry.registerEverywhere(device);
    await simulated.keep({
      ...config,
      payload: PAYLOADS[number % PAYLOADS.length] ?? '',
      // However many there are, the air stays usable.
      intervalS: Math.max(MIN_INTERVAL_S, Math.ceil((count * MANY_SPACING_MS) / 1_000)),
      demo: true,
    });
  };
  const inBatches = async <T>(items: readonly T[], work: (item: T) => Promise<void>) => {
    for (let at = 0; at < items.length; at += BATCH)
      await Promise.all(items.slice(at, at + BATCH).map(work));
  };
  const dissolve = async (): Promise<void> => {
    if (store.links.get(GATEWAY_LINK)) await links.delete(GATEWAY_LINK);
    const gateway = store.gateways.getByEui(eui64FromBytes(GATEWAY_EUI));
    if (gateway) await registry.gateways.purge(gateway.gatewayId);
    // Devices that the user added keep it.
    if (store.applications.get(APPLICATION) && store.identityDevices.count(APPLICATION) === 0)
      await registry.applications.purge(APPLICATION);
  };

  return {
    async resize(count) {
      const ours = new Set(
        simulated
          .stored()
          .filter(({ demo }) => demo)
          .map(({ id }) => id),
      );
      const wanted = Array.from({ length: count }, (_, index) => index + 1);
      const wantedIds = new Set(wanted.map(idOf));
      const surplus = [...ours].filter((id) => !wantedIds.has(id) || !isRegistered(id));
      await inBatches(surplus, async (id) => {
        await unregister(id);
        await simulated.forget(id);
        ours.delete(id);
      });
      if (count === 0) {
        if (surplus.length > 0) await dissolve();
        return;
      }
      if (!store.applications.get(APPLICATION))
        await registry.applications.create(newApplication(APPLICATION, 'Simulated devices'));
      await links.ensure(
        create(LinkSchema, {
          id: GATEWAY_LINK,
          name: 'Simulated gateway',
          enabled: true,
          frequencyPlanId: BAND,
          config: { case: 'virtual', value: { gatewayEui: GATEWAY_EUI } },
        }),
      );
      await inBatches(
        wanted.filter((number) => !ours.has(idOf(number))),
        (number) => add(number, count),
      );
    },
  };
}
