import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { LinkSchema } from '../api/gen/gatehouse/v1/links_pb.js';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { Clock, Timer } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { eui64FromBytes } from '../lorawan/index.ts';
import { newApplication, type Registry } from '../registry/index.ts';
import type { Simulator } from '../simulator/index.ts';
import type { Store } from '../store/index.ts';
import { BUILT_IN_UDP, type LinkManager } from './link-manager.ts';
import { startSpacingMs } from './start-spacing.ts';

/** The demonstration: a virtual gateway and three simulated devices in an application of their own. */
export interface Demo {
  readonly isRunning: boolean;
  start(): Promise<void>;
  /** Removes everything of it, and keeps it from starting by itself ever again. */
  remove(): Promise<void>;
  /** Starts it if nobody uses this workspace for anything yet. Called when a user interface opens. */
  offer(): Promise<void>;
  /** Removes what an earlier run of the program left. */
  clear(): Promise<void>;
  /** Starts no further device. */
  stop(): void;
}

export interface DemoOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly links: LinkManager;
  readonly simulator: Simulator;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether it may start by itself at all. */
  readonly mayStartByItself: boolean;
  /** Whether a concentrator is plugged in, which the user came to use. */
  readonly hasConcentrator: () => Promise<boolean>;
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
/** Says that somebody removed it. */
const REMOVED_SETTING = 'demo.removed';

const idsOf = (deviceId: string) =>
  create(EndDeviceIdentifiersSchema, { deviceId, applicationIds: { applicationId: APPLICATION } });

/** Registers one device and puts its twin into the simulator, at rest. */
async function addDevice(
  { registry, simulator }: Pick<DemoOptions, 'registry' | 'simulator'>,
  device: (typeof DEVICES)[number],
  index: number,
): Promise<void> {
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
}

/** Whether nobody has put anything into a workspace, and no gateway has come by itself. */
function isUntouched({ links, store }: Pick<DemoOptions, 'links' | 'store'>): boolean {
  const added = links.list().filter(({ link }) => link?.id !== BUILT_IN_UDP);
  return added.length + store.identityDevices.count() + store.gateways.count() === 0;
}

/** Removes every part. Leftovers may be partial, so each part goes by itself. */
async function removeParts(options: DemoOptions): Promise<void> {
  const { links, logger, registry, simulator, store } = options;
  const quietly = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => {
      logger.debug({ error: errorText(error) }, 'nothing of the demo to remove here');
    });
  };
  for (const { id } of DEVICES) {
    if (simulator.devices().some((one) => one.config.id === id)) simulator.removeDevice(id);
    await quietly(registry.deleteEverywhere(idsOf(id)));
  }
  for (const { link } of links.list()) if (link?.demo) await quietly(links.delete(link.id));
  // It was registered by being heard.
  const gateway = store.gateways.getByEui(eui64FromBytes(GATEWAY_EUI));
  if (gateway) await quietly(registry.gateways.purge(gateway.gatewayId));
  if (store.applications.get(APPLICATION)) await quietly(registry.applications.purge(APPLICATION));
}

/** Runs works one after another: two pages that open at once must not start two demonstrations. */
function oneAtATime(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}

/** Creates the demo; it does nothing until started. */
export function createDemo(options: DemoOptions): Demo {
  const { clock, hasConcentrator, links, mayStartByItself, registry, simulator, store } = options;
  const inTurn = oneAtATime();
  let running = false;
  let starting: Timer[] = [];

  const stop = (): void => {
    for (const timer of starting) timer.cancel();
    starting = [];
  };
  const clear = async (): Promise<void> => {
    stop();
    running = false;
    await removeParts(options);
  };
  const start = async (): Promise<void> => {
    if (running) return;
    await clear();
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
    for (const [index, device] of DEVICES.entries()) await addDevice(options, device, index);
    const spacingMs = startSpacingMs(DEVICES.length);
    starting = DEVICES.map(({ id }, index) =>
      clock.setTimer(index * spacingMs, () => simulator.start(id)),
    );
  };

  return {
    get isRunning() {
      return running;
    },
    start: () => inTurn(start),
    remove: () =>
      inTurn(async () => {
        await store.unit(() => store.settings.put(REMOVED_SETTING, 'yes'));
        await clear();
      }),
    offer: () =>
      inTurn(async () => {
        const isWanted = mayStartByItself && store.settings.getText(REMOVED_SETTING) === undefined;
        if (!isWanted || running || !isUntouched(options)) return;
        if (!(await hasConcentrator())) await start();
      }),
    clear: () => inTurn(clear),
    stop,
  };
}
