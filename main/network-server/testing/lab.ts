/** A whole network for tests: real store, registry and servers; gateways and devices under the test's hand. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Frame } from '../../api/gen/gatehouse/v1/frames_pb.js';
import { Direction } from '../../api/gen/gatehouse/v1/frames_pb.js';
import {
  EndDeviceSchema,
  type MACSettingsSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { OUTCOME, STAGE } from '../../base/causes.ts';
import type { Clock } from '../../base/clock.ts';
import type {
  AntennaReception,
  GatewayLink,
  LinkSink,
  Modulation,
  TxAcknowledgment,
  TxRequest,
} from '../../base/gateway-link.ts';
import { type Logger, silentLogger } from '../../base/logger.ts';
import type { DownlinkScheduler } from '../../base/seams.ts';
import { type VirtualClock, virtualClock } from '../../base/virtual-clock.ts';
import type { EventBus, EventInput } from '../../events/index.ts';
import { createGatewayServer } from '../../gateway-server/index.ts';
import { createJoinServer } from '../../join-server/index.ts';
import { type DevAddrPrefix, type NetId, parseDevAddrPrefix } from '../../lorawan/index.ts';
import { createRegistry, newApplication, type Registry } from '../../registry/index.ts';
import type {
  ApplicationHandler,
  DownlinkNotice,
  InvalidatedQueue,
  JoinForApplication,
  UplinkForApplication,
} from '../../seams/application-traffic.ts';
import { createStore, type Store } from '../../store/index.ts';
import { createNetworkServer, type NetworkServer } from '../network-server.ts';
import { newMacState } from '../new-mac-state.ts';
import type { NetworkStore } from '../ports.ts';
import { clockOfRun } from './clock-of-run.ts';
import { ABP_ADDR, APP_KEY, APP_S_KEY, DEV_EUI, hex, JOIN_EUI, NWK_S_KEY } from './frames.ts';

export const lora = (spreadingFactor: number, bandwidthHz = 125_000): Modulation => ({
  kind: 'lora',
  spreadingFactor,
  bandwidthHz,
  codingRate: '4/5',
});

/** A gateway under the test's hand. */
export interface HandGateway {
  readonly link: GatewayLink;
  readonly eui: string;
  readonly sent: TxRequest[];
  readonly capabilities: { leadTimeMs: number; singleChannel: boolean; minEirpDbm?: number };
  /** Called as a frame is handed over. */
  onTransmit?: () => void;
  /** How it answers; success unless set. */
  answer: TxAcknowledgment;
  /** The lab's, once it is there. */
  clock?: Clock;
  /** How long it takes to answer. */
  answerAfterMs: number;
  /** Whether it takes downlinks; it does from the start. */
  setDownlinkReady(downlinkReady: boolean): void;

  /** Its link goes; the next frame it hears brings it back. */
  vanish(): void;
  hear(
    phyPayload: Uint8Array,
    place?: {
      readonly frequencyHz?: number;
      readonly modulation?: Modulation;
      readonly timestampUs?: number;
      readonly antenna?: Partial<AntennaReception>;
      readonly crc?: 'ok' | 'bad';
      readonly gpsTimeMs?: number;
      readonly gatewayTimeMs?: number;
    },
  ): void;
}

export function handGateway(eui: string): HandGateway {
  let sink: LinkSink | undefined;
  const capabilities: HandGateway['capabilities'] = { leadTimeMs: 50, singleChannel: false };
  const gateway: HandGateway = {
    eui,
    capabilities,
    sent: [],
    answer: { result: 'success', roundTripMs: 20 },
    answerAfterMs: 0,
    link: {
      id: `link-${eui}`,
      kind: 'virtual',
      capabilities,
      async start(given) {
        sink = given;
        sink.state({ phase: 'running' });
        gateway.setDownlinkReady(true);
      },
      async transmit(request) {
        gateway.sent.push(request);
        gateway.onTransmit?.();
        const { answer, answerAfterMs } = gateway;
        if (answerAfterMs > 0) await gateway.clock?.sleep(answerAfterMs);
        return answer;
      },
      async stop() {
        sink = undefined;
      },
    },
    setDownlinkReady: (downlinkReady) =>
      sink?.connected({ gatewayEui: eui, protocol: 'virtual', downlinkReady }),

    vanish: () => sink?.disconnected(eui, 'unplugged'),
    hear(phyPayload, place = {}) {
      sink?.uplink({
        gatewayEui: eui,
        phyPayload,
        frequencyHz: place.frequencyHz ?? 868_100_000,
        modulation: place.modulation ?? lora(7),
        crc: place.crc ?? 'ok',
        concentratorTimestampUs: place.timestampUs ?? 1_000_000,
        antennas: [{ antennaIndex: 0, channelRssiDbm: -80, snrDb: 7, ...place.antenna }],
        ...(place.gpsTimeMs !== undefined && { gpsTimeMs: place.gpsTimeMs }),
        ...(place.gatewayTimeMs !== undefined && { gatewayTimeMs: place.gatewayTimeMs }),
      });
    },
  };
  return gateway;
}

type DeviceInit = Exclude<MessageInitShape<typeof EndDeviceSchema>, { $typeName: string }>;

const IDS = {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
  devEui: hex(DEV_EUI),
  joinEui: hex(JOIN_EUI),
};
const BASE: DeviceInit = {
  ids: IDS,
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
};
/** No MAC request of the network unless a test wants one. */
const QUIET = {
  statusCountPeriodicity: 0,
  statusTimePeriodicity: { seconds: 0n, nanos: 0 },
  desiredRx1Delay: { value: 1 },
};

export const otaaDevice = (init: DeviceInit = {}) =>
  create(EndDeviceSchema, {
    ...BASE,
    supportsJoin: true,
    rootKeys: { appKey: { key: hex(APP_KEY) } },
    macSettings: QUIET,
    ...init,
  });

/** The channels of EU_863_870, which the device knows from the factory. */
const EU_CHANNELS_HZ = [8681, 8683, 8685, 8671, 8673, 8675, 8677, 8679].map(
  (steps) => BigInt(steps) * 100_000n,
);

export const abpDevice = (
  init: DeviceInit = {},
  settings: Exclude<MessageInitShape<typeof MACSettingsSchema>, { $typeName: string }> = {},
) =>
  create(EndDeviceSchema, {
    ...BASE,
    session: {
      devAddr: hex(ABP_ADDR),
      keys: { fNwkSIntKey: { key: hex(NWK_S_KEY) }, appSKey: { key: hex(APP_S_KEY) } },
    },
    macSettings: {
      ...QUIET,
      factoryPresetFrequencies: EU_CHANNELS_HZ,
      adr: { mode: { case: 'disabled', value: {} } },
      ...settings,
    },
    ...init,
  });

/** What the application was told. */
export interface ApplicationLog {
  readonly uplinks: UplinkForApplication[];
  readonly joins: JoinForApplication[];
  readonly sent: DownlinkNotice[];
  readonly failed: DownlinkNotice[];
  readonly acknowledged: DownlinkNotice[];
  readonly notAcknowledged: DownlinkNotice[];
  readonly invalidated: InvalidatedQueue[];
}

function applicationDouble({ onUplink, onDownlinkSent, forgetful }: LabOptions): {
  readonly log: ApplicationLog;
  readonly handler: ApplicationHandler;
} {
  const log: ApplicationLog = {
    uplinks: [],
    joins: [],
    sent: [],
    failed: [],
    acknowledged: [],
    notAcknowledged: [],
    invalidated: [],
  };
  const handler: ApplicationHandler = {
    async uplink(input) {
      if (!forgetful) log.uplinks.push(input);
      onUplink?.(input);
      return {
        stage: { kind: STAGE.APPLICATION, outcome: OUTCOME.ACCEPTED, evidence: [] },
        decodedPayloadWarnings: [],
      };
    },
    storeJoin: () => [],
    joinAccepted: (join) => log.joins.push(join),
    downlinkSent(notice) {
      log.sent.push(notice);
      onDownlinkSent?.();
    },
    downlinkFailed: (notice) => log.failed.push(notice),
    downlinkAcknowledged: (notice) => log.acknowledged.push(notice),
    downlinkNotAcknowledged: (notice) => log.notAcknowledged.push(notice),
    queueInvalidated(queue) {
      log.invalidated.push(queue);
      return queue.downlinks.map((item, index) => ({
        ...item,
        fCnt: queue.lastFCntDown + 1 + index,
      }));
    },
  };
  return { log, handler };
}

/** What an application server is made of. */
export interface LabParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly events: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The application server's queue calls end here. */
  readonly onQueued: (deviceRow: number) => void;
}

export type Lab = Awaited<ReturnType<typeof createLab>>;

interface LabOptions {
  readonly gateways: readonly HandGateway[];
  /** Where its database files are; in memory unless given. A lab on the files of a closed one is that one restarted. */
  readonly directory?: string;
  /** The world's clock, for a lab that takes the place of a closed one. */
  readonly clock?: VirtualClock;
  readonly frequencyPlanId?: string;
  /** The lab whose program ended: this one has its store and its clock. */
  readonly restartOf?: { readonly store: Store; readonly clock: VirtualClock };
  readonly onUplink?: (uplink: UplinkForApplication) => void;
  readonly onDownlinkSent?: () => void;
  /** Writes down neither events nor uplinks, for runs of so many that they would fill the memory. */
  readonly forgetful?: boolean;
  /** An application server in the place of the one that only writes down what it is told. */
  readonly application?: (parts: LabParts) => ApplicationHandler;
  /** The network server's view of the store, to let it fail. */
  readonly wrapStore?: (store: NetworkStore) => NetworkStore;
}

/** Opens a lab; close it afterwards. */
export async function createLab(options: LabOptions) {
  const world = options.restartOf?.clock ?? options.clock ?? virtualClock();
  const clock = clockOfRun(world);
  const logger = silentLogger();
  const log: EventInput[] = [];
  const store =
    options.restartOf?.store ??
    (await createStore({ directory: options.directory ?? ':memory:', clock, logger }));
  const publish = (event: EventInput): void => {
    if (!options.forgetful) log.push(event);
  };
  const events = { publish };
  const registry = createRegistry({ store, clock, logger, publish, newMacState });
  if (!store.applications.get('shop')) await registry.applications.create(newApplication('shop'));
  const application = applicationDouble(options);
  // Another one after a restart, as chance would have it.
  let seed = 1 + Math.floor(world.monotonic());
  const random = (count: number): Uint8Array => {
    seed += 1;
    return new Uint8Array(count).map((_, index) => (seed * 31 + index * 17) & 0xff);
  };
  const scheduler: DownlinkScheduler = {
    leadTimeMs: (paths) => gatewayServer.scheduler.leadTimeMs(paths),
    schedule: (request) => gatewayServer.scheduler.schedule(request),
    scheduleFree: (request) => gatewayServer.scheduler.scheduleFree(request),
    checkFree: (request) => gatewayServer.scheduler.checkFree(request),
  };
  const createNetwork = (): NetworkServer =>
    createNetworkServer({
      store: options.wrapStore?.(store) ?? store,
      registry,
      joinServer: createJoinServer({ store, registry, clock, events, random }),
      scheduler,
      application:
        options.application?.({
          store,
          registry,
          events,
          clock,
          logger,
          onQueued: (deviceRow) => network.queueChanged(deviceRow),
        }) ?? application.handler,
      events,
      clock,
      logger,
      random,
      settings: {
        netId: '000001' as NetId,
        devAddrBlock: parseDevAddrPrefix('02AB0000/16') as DevAddrPrefix,
      },
    });
  let network = createNetwork();
  const gatewayServer = createGatewayServer({
    store,
    registry,
    events,
    clock,
    logger,
    handler: { handleUplink: (received) => network.handleUplink(received) },
  });
  const settings = { frequencyPlanId: options.frequencyPlanId ?? 'EU_863_870' };
  for (const gateway of options.gateways) {
    gateway.clock = clock;
    await gatewayServer.add(gateway.link, settings);
  }
  const frames = (direction: Direction): Frame[] =>
    Array.from({ length: store.frames.total() }, (_, index) => store.frames.get(index + 1)).filter(
      (frame) => frame !== undefined && frame.direction === direction,
    ) as Frame[];
  return {
    /** The world's, which goes on when the lab is closed. */
    clock: world,
    store,
    registry,
    get network(): NetworkServer {
      return network;
    },
    /** What the network server kept in memory is gone, as if the program had ended. */
    restartNetwork: (): void => {
      network = createNetwork();
    },
    gatewayServer,
    /** Names of all events. */
    get published(): string[] {
      return log.map(({ name }) => name);
    },
    /** Causes of the events of that name. */
    causesOf: (name: string) =>
      log.filter((event) => event.name === name).map((event) => event.causeCode),
    /** Data of the events of that name. */
    dataOf: (name: string) =>
      log
        .filter((event) => event.name === name)
        .map(({ data, lateData }) => (data ?? lateData)?.().message),
    application: application.log,
    uplinkFrames: () => frames(Direction.UPLINK),
    downlinkFrames: () => frames(Direction.DOWNLINK),
    /** Ends the run: links are stopped, timers die, files are closed. */
    async close() {
      await gatewayServer.stop();
      clock.end();
      await store.close();
    },
  };
}
